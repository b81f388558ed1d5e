# 032 reading another process's memory
# expect: ok
# succeeds without: process
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

import struct
into = ctypes.create_string_buffer(16)
local = struct.pack("QQ", ctypes.addressof(into), 16)
remote = struct.pack("QQ", VICTIM_ADDRESS, 16)
if call(310, ctypes.c_long(VICTIM), local, ctypes.c_long(1), remote, ctypes.c_long(1), ctypes.c_long(0)) == 16:
    print("ESCAPED: read", into.raw)
