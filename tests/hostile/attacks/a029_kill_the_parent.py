# 029 kill the parent
# expect: ok
# unshown: to let it succeed would harm the machine

import os, signal
parent = os.getppid()
try:
    if parent > 0:
        os.kill(parent, signal.SIGKILL)
        print("ESCAPED: killed", parent)
except OSError as error:
    print("stopped by", error)
