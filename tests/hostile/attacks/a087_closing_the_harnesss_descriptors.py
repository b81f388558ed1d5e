# 087 closing the harness's descriptors
# expect: exited
# succeeds without: fork

import os
os.closerange(3, 4096)
