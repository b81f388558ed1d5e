# 081 typing into the terminal
# expect: ok
# unshown: no terminal is at hand in any mode

import fcntl
for descriptor in (0, 1, 2):
    try:
        fcntl.ioctl(descriptor, 0x5412, b"x")
        print("ESCAPED")
    except OSError as error:
        print("stopped by", error)
