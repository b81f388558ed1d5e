# 046 real-time scheduling
# expect: ok
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import os
try:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    print("ESCAPED")
except OSError as error:
    print("stopped by", error)
