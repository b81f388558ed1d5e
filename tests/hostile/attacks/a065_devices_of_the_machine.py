# 065 devices of the machine
# expect: ok
# succeeds without: process

import os
for path in ("/dev/mem", "/dev/kmsg", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/port", "/dev/fuse", "/dev/tty", "/dev/net/tun", "/dev/ptmx"):
    try:
        os.close(os.open(path, os.O_RDWR))
        print("ESCAPED: opened", path)
    except OSError as error:
        print("stopped by", error)
