# 024 abort
# expect: crashed

import os
os.abort()
