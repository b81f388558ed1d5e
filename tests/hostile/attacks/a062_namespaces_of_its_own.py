# 062 namespaces of its own
# expect: ok
# succeeds without: nsonly

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("user+mount+net", 0x50020000)):
    if libc.unshare(flag) == 0:
        print("ESCAPED: unshare", name)
try:
    if libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0) == 0:
        print("ESCAPED: setns")
except OSError:
    pass
