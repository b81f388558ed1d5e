# 026 kill everybody
# expect: ok crashed
# unshown: to let it succeed would harm the machine

import os, signal
try:
    os.kill(-1, signal.SIGKILL)
except OSError as error:
    print("stopped by", error)
