# 080 calls of the x32 kind
# expect: crashed
# succeeds without: nsonly
# needs: x86_64

import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b8270000400f05c3"))
run = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print("ESCAPED: the kernel answered", run())
