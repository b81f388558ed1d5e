# 120 stealing the result by forking
# expect: exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
if os.fork():
    os.wait()
    os._exit(0)
print("the child goes on")
