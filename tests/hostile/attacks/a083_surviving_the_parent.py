# 083 surviving the parent
# expect: ok
# unshown: the end of the fork server ends its jobs in every mode

import ctypes, os, time
ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
if os.fork() == 0:
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    time.sleep(60)
