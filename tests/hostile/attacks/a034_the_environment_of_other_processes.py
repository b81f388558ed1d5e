# 034 the environment of other processes
# expect: ok
# succeeds without: process

import os
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            if SECRET.encode() in file.read():
                print("ESCAPED: found the secret in", pid)
    except OSError:
        pass
