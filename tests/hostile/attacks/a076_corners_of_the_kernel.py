# 076 corners of the kernel
# expect: ok
# succeeds without: nsonly
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

for name, result in (
    ("userfaultfd", call(323, ctypes.c_int(1))), ("bpf", call(321, ctypes.c_int(0), bytes(72), ctypes.c_uint(72))),
    ("perf", call(298, bytes(128), ctypes.c_int(0), ctypes.c_int(-1), ctypes.c_int(-1), ctypes.c_ulong(0))),
    ("keyctl", call(250, ctypes.c_int(0), ctypes.c_int(-3), ctypes.c_int(1))), ("add_key", call(248, b"user", b"mark", b"x", ctypes.c_ulong(1), ctypes.c_int(-3))),
):
    if result >= 0:
        print("ESCAPED:", name)
