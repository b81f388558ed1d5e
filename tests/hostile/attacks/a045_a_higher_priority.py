# 045 a higher priority
# expect: ok

import os
try:
    os.nice(-20)
    print("ESCAPED")
except OSError as error:
    print("stopped by", error)
