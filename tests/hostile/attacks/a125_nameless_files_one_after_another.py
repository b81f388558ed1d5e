# 125 nameless files, one after another
# expect: ok out-of-memory
# timeout: 10
# unshown: to let it succeed would harm the machine

import os
held = []
try:
    for _ in range(60):
        held.append(os.memfd_create("hoard"))
        os.write(held[-1], bytes(100 << 20))
    import time
    time.sleep(3)
    print("ESCAPED: 6 GB in nameless files")
except (OSError, MemoryError) as error:
    print("stopped by", error)
