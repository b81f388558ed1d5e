# 045 a higher priority
# expect: ok
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import os
try:
    os.nice(-20)
    print("ESCAPED")
except OSError as error:
    print("stopped by", error)
