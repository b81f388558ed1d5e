# 082 another personality
# expect: ok
# succeeds without: nsonly
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

print("ESCAPED" if call(135, ctypes.c_ulong(0x0040000)) >= 0 else "refused")
