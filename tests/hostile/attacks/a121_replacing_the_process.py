# 121 replacing the process
# expect: exited raised

import os
os.execv("/bin/sh", ["sh", "-c", "echo replaced; exit 7"])
