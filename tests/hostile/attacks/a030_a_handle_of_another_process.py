# 030 a handle of another process
# expect: ok
# succeeds without: process

import os
try:
    os.pidfd_open(VICTIM)
    print("ESCAPED: has a handle of the victim")
except OSError as error:
    print("stopped by", error)
