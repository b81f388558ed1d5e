# 075 io_uring
# expect: ok
# unshown: most kernels that run containers refuse it themselves

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

print("ESCAPED" if call(425, ctypes.c_uint(4), bytes(120)) >= 0 else "refused")
