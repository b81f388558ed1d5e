# 051 a symbolic link to a secret
# expect: ok
# succeeds without: process

import os
os.symlink(SECRET_FILE, "innocent")
try:
    print("ESCAPED:", open("innocent").read())
except OSError as error:
    print("stopped by", error)
