# 038 a daemon that holds stdout open
# expect: ok
# unshown: to let it succeed would harm the machine

import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        pass
        time.sleep(60)
    os._exit(0)
os.wait()
