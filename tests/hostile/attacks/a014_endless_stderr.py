# 014 endless stderr
# expect: output-flood
# succeeds without: limits
# raised: flood_mb=256

import os
for _ in range(1024):
    os.write(2, b"x" * 65536)
print("ESCAPED: 64 MB")
