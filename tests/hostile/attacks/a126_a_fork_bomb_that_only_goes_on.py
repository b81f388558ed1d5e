# 126 a fork bomb that only goes on
# expect: out-of-memory timeout
# timeout: 30
# unshown: to let it succeed would harm the machine

import os
while True:
    try:
        os.fork()
    except OSError:
        pass
