# 001 fork bomb
# expect: ok out-of-memory timeout
# succeeds without: limits
# raised: processes=1000
# timeout: 20

import os, time
children = 0
try:
    for _ in range(400):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        children += 1
except OSError as error:
    print("stopped by", error)
print("ESCAPED: no limit on processes" if children >= 400 else children)
