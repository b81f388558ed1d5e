# 019 sleep for ever
# expect: timeout
# timeout: 1

import time
time.sleep(10 ** 6)
