# 111 a hard link to a secret
# expect: ok

import os
try:
    os.link(SECRET_FILE, "linked")
    print("ESCAPED:", open("linked").read())
except OSError as error:
    print("stopped by", error)
