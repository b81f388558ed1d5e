# 067 control groups
# expect: ok
# succeeds without: process

import os
found = [path for path in ("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/unified") if os.path.exists(path)]
print("ESCAPED:" if found else "nothing", found)
