# 121 replacing the process
# expect: exited raised
# succeeds without: fork

import os
os.execv("/bin/sh", ["sh", "-c", "echo replaced; exit 7"])
