# 055 descriptors left open
# expect: ok
# unshown: descriptors are closed in every mode

import os, stat
for number in range(3, 1024):
    try:
        kind = os.fstat(number).st_mode
    except OSError:
        continue
    if stat.S_ISDIR(kind) or stat.S_ISSOCK(kind) or stat.S_ISREG(kind):
        print("ESCAPED: descriptor", number, os.readlink(f"/proc/self/fd/{number}"))
