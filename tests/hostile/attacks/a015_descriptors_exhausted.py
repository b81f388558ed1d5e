# 015 descriptors exhausted
# expect: ok
# succeeds without: limits
# raised: files=2048

import os
held = []
try:
    while len(held) < 1000:
        held.append(os.dup(1))
    print("ESCAPED: 1000 descriptors")
except OSError as error:
    for descriptor in held:
        os.close(descriptor)
    print("stopped by", error)
