# 028 kill another process of the user
# expect: ok
# succeeds without: process

import os, signal
try:
    os.kill(VICTIM, 0)
    print("ESCAPED: may signal the victim")
except OSError as error:
    print("stopped by", error)
