# 044 a program from memory
# expect: ok exited
# succeeds without: process
# needs: x86_64

import ctypes
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def call(number, *arguments):
    return libc.syscall(ctypes.c_long(number), *arguments)

import os
try:
    descriptor = os.memfd_create("x")
except OSError as error:
    raise SystemExit(f"stopped by {error}")
os.write(descriptor, open("/bin/true", "rb").read())
if os.fork() == 0:
    call(322, ctypes.c_int(descriptor), b"", None, None, ctypes.c_int(0x1000))
    os._exit(33)
print("ESCAPED: ran it" if os.waitstatus_to_exitcode(os.wait()[1]) == 0 else "refused")
