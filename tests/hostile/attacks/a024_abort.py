# 024 abort
# expect: crashed
# succeeds without: fork

import os
os.abort()
