# 043 os.system
# expect: ok
# succeeds without: process

import os
os.system(f"cat {SECRET_FILE} > stolen 2>/dev/null")
try:
    print("ESCAPED" if SECRET in open("stolen").read() else "nothing")
except OSError as error:
    print("stopped by", error)
