# 039 orphans that burn the processor
# expect: ok
# unshown: to let it succeed would harm the machine

import os
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        while True:
            pass
