# 101 writing its own memory
# expect: ok
# unshown: a process may do so with itself: that no other is touched is what is tested

import ctypes
text = ctypes.create_string_buffer(b"before")
try:
    with open("/proc/self/mem", "r+b", buffering=0) as memory:
        memory.seek(ctypes.addressof(text))
        memory.write(b"after!")
except OSError as error:
    print("stopped by", error)
