# 092 code after the end
# expect: ok
# succeeds without: fork

import atexit, time
class Late:
    def __del__(self):
        time.sleep(60)
late = Late()
atexit.register(time.sleep, 60)
