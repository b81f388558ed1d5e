# 123 memory locked and reserved
# expect: ok out-of-memory
# unshown: to let it succeed would harm the machine

import ctypes, mmap
try:
    held = [mmap.mmap(-1, 1 << 30) for _ in range(20)]
    for block in held:
        for offset in range(0, 1 << 30, 1 << 20):
            block[offset] = 1
    print("ESCAPED: 20 GB mapped")
except (OSError, MemoryError, ValueError) as error:
    print("stopped by", error)
