# 114 leases and notifications on shared files
# expect: ok
# succeeds without: nsonly

import fcntl, os
descriptor = os.open("/usr", os.O_RDONLY)
for name, command, argument in (("notify", 1026, 1 << 31 | 2), ("lease", 1024, 0)):
    try:
        fcntl.fcntl(descriptor, command, argument if argument < 1 << 31 else argument - (1 << 32))
        print("ESCAPED:", name)
    except OSError as error:
        print("stopped by", error)
