# 077 queues that outlive their makers
# expect: ok
# succeeds without: nsonly
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

for name, result in (("shm", call(29, ctypes.c_int(0), ctypes.c_ulong(4096), ctypes.c_int(0o1600))), ("msg", call(68, ctypes.c_int(0), ctypes.c_int(0o1600))),
                     ("sem", call(64, ctypes.c_int(0), ctypes.c_int(1), ctypes.c_int(0o1600))), ("mq", call(240, b"mark", ctypes.c_int(0o102), ctypes.c_int(0o600), None))):
    if result >= 0:
        print("ESCAPED:", name)
