# 078 loading, booting, splicing
# expect: ok
# succeeds without: nsonly
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

import os
read, write = os.pipe()
for name, result in (("vmsplice", call(278, ctypes.c_int(write), bytes(16), ctypes.c_ulong(0), ctypes.c_uint(0))), ("kexec", call(246, 0, 0, None, 0)),
                     ("module", call(175, b"", ctypes.c_ulong(0), b"")), ("reboot", call(169, ctypes.c_uint(0xFEE1DEAD), ctypes.c_uint(672274793), ctypes.c_uint(0), None))):
    if result >= 0:
        print("ESCAPED:", name)
