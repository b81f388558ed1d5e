# 013 endless stdout
# expect: output-flood

import os
while True:
    os.write(1, b"x" * 65536)
