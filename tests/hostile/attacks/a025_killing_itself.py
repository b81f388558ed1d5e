# 025 killing itself
# expect: ok crashed

import os, signal
os.kill(os.getpid(), signal.SIGKILL)
