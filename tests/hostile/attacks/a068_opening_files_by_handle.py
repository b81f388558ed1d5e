# 068 opening files by handle
# expect: ok
# needs: x86_64
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

import os, struct
handle = struct.pack("Ii", 8, 1) + struct.pack("II", 2, 0)
mount = os.open("/usr", os.O_RDONLY)
print("ESCAPED" if call(304, ctypes.c_int(mount), handle, ctypes.c_int(0)) >= 0 else "refused")
