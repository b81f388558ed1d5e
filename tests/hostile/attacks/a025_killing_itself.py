# 025 killing itself
# expect: ok crashed
# succeeds without: fork

import os, signal
os.kill(os.getpid(), signal.SIGKILL)
