# 061 the new mount calls
# expect: ok
# unshown: to let it succeed would harm the machine

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

for name, result in (("open_tree", call(428, ctypes.c_int(-100), b"/", ctypes.c_uint(1))), ("fsopen", call(430, b"tmpfs", ctypes.c_uint(0))),
                     ("fspick", call(433, ctypes.c_int(-100), b"/", ctypes.c_uint(0))), ("mount_setattr", call(442, ctypes.c_int(-100), b"/", ctypes.c_uint(0), bytes(32), ctypes.c_ulong(32)))):
    if result >= 0:
        print("ESCAPED:", name)
