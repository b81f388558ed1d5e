# 064 device files
# expect: ok
# unshown: to let it succeed would harm the machine

import os, stat
for name, number in (("null", os.makedev(1, 3)), ("disk", os.makedev(254, 0)), ("mem", os.makedev(1, 1))):
    try:
        os.mknod(name, stat.S_IFCHR | 0o666, number)
        print("ESCAPED: made", name)
    except OSError as error:
        print("stopped by", error)
