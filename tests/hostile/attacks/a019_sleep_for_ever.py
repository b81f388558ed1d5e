# 019 sleep for ever
# expect: timeout
# succeeds without: fork
# timeout: 1

import time
time.sleep(10 ** 6)
