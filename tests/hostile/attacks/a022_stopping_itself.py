# 022 stopping itself
# expect: ok timeout
# succeeds without: fork
# timeout: 1

import os, signal, time
os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(0.1)
print("went on")
