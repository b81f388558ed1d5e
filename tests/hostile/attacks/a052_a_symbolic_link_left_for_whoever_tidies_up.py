# 052 a symbolic link left for whoever tidies up
# expect: ok

import os
os.symlink(os.path.dirname(SECRET_FILE), "tidy-me")
os.symlink("/", "root")
os.makedirs("deep/er")
os.chmod("deep", 0)
