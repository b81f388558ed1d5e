# 026 kill everybody
# expect: ok crashed

import os, signal
try:
    os.kill(-1, signal.SIGKILL)
except OSError as error:
    print("stopped by", error)
