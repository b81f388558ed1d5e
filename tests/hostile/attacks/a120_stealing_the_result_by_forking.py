# 120 stealing the result by forking
# expect: exited

import os
if os.fork():
    os.wait()
    os._exit(0)
print("the child goes on")
