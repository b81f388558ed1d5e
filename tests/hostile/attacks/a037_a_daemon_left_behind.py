# 037 a daemon left behind
# expect: ok
# unshown: to let it succeed would harm the machine

import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for descriptor in range(0, 300):
            try:
                os.close(descriptor)
            except OSError:
                pass
        time.sleep(60)
    os._exit(0)
os.wait()
