# 053 out through proc
# expect: ok
# succeeds without: process

import os
for path in ("/proc/self/root", "/proc/self/cwd/..", "/proc/self/root/..", "/proc/self/cwd/../../../.."):
    try:
        with open(path + SECRET_FILE) as file:
            print("ESCAPED:", file.read())
    except OSError as error:
        print("stopped by", error)
