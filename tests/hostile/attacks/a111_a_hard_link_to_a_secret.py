# 111 a hard link to a secret
# expect: ok
# succeeds without: process

import os
try:
    os.link(SECRET_FILE, "linked")
    print("ESCAPED:", open("linked").read())
except OSError as error:
    print("stopped by", error)
try:
    os.link(SECRET_FILE, SECRET_FILE + ".link")
    os.unlink(SECRET_FILE + ".link")
    print("ESCAPED: linked it where it lies")
except OSError as error:
    print("stopped by", error)
