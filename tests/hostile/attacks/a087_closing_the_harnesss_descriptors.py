# 087 closing the harness's descriptors
# expect: exited

import os
os.closerange(3, 4096)
