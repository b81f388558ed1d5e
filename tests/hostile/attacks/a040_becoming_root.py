# 040 becoming root
# expect: ok
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import os
for change in (lambda: os.setuid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
    try:
        change()
        print("ESCAPED: changed identity")
    except OSError as error:
        print("stopped by", error)
