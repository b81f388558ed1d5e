# 010 many empty files fill the inodes
# expect: ok
# succeeds without: process

import os
try:
    for number in range(40000):
        os.close(os.open(f"empty{number}", os.O_CREAT | os.O_WRONLY))
    print("ESCAPED: 40000 files")
except OSError as error:
    print("stopped by", error)
