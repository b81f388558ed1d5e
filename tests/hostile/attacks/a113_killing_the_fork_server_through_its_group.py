# 113 killing the fork server through its group
# expect: ok crashed
# unshown: to let it succeed would harm the machine

import os, signal
for group in (os.getpgid(0), os.getppid()):
    try:
        os.killpg(group, signal.SIGTERM) if group > 1 else None
    except OSError as error:
        print("stopped by", error)
