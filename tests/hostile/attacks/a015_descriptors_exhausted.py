# 015 descriptors exhausted
# expect: ok

import os
held = []
try:
    while len(held) < 5000:
        held.append(os.dup(1))
    print("ESCAPED: 5000 descriptors")
except OSError as error:
    for descriptor in held:
        os.close(descriptor)
    print("stopped by", error)
