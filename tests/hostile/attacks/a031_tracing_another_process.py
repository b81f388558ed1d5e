# 031 tracing another process
# expect: ok
# succeeds without: process
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

if call(101, ctypes.c_long(16), ctypes.c_long(VICTIM), ctypes.c_long(0), ctypes.c_long(0)) == 0:
    print("ESCAPED: traces the victim")
    call(101, ctypes.c_long(17), ctypes.c_long(VICTIM), ctypes.c_long(0), ctypes.c_long(0))
