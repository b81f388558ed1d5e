# 102 code it has written itself
# expect: ok
# needs: x86_64
# unshown: a process may do so with itself: that no other is touched is what is tested

import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b82a000000c3"))
run = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
print("answer", run())
