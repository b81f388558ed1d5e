# 063 clone3 into namespaces
# expect: ok
# succeeds without: nsonly

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

import os, struct
arguments = struct.pack("8Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0)
result = call(435, arguments, ctypes.c_ulong(len(arguments)))
if result == 0:
    os._exit(0)
print("ESCAPED" if result > 0 else "refused")
