# 002 recursive fork bomb
# expect: ok timeout exited raised out-of-memory
# timeout: 2
# unshown: to let it succeed would harm the machine

import os, time
end = time.time() + 3
while time.time() < end:
    try:
        os.fork()
    except OSError:
        time.sleep(0.05)
