# 052 a symbolic link left for whoever tidies up
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
os.symlink(os.path.dirname(SECRET_FILE), "tidy-me")
os.symlink("/", "root")
os.makedirs("deep/er")
os.chmod("deep", 0)
