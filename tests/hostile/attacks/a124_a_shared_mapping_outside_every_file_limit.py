# 124 a shared mapping outside every file limit
# expect: ok out-of-memory
# unshown: to let it succeed would harm the machine

import os
try:
    descriptor = os.memfd_create("hoard")
    for _ in range(64):
        os.write(descriptor, bytes(64 << 20))
    print("ESCAPED: 4 GB in a nameless file")
except OSError as error:
    print("stopped by", error)
