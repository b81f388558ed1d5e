# 109 the clock
# expect: ok
# unshown: a process may do so with itself: that no other is touched is what is tested

import time
for clock in (time.CLOCK_REALTIME,):
    try:
        time.clock_settime(clock, 0)
        print("ESCAPED")
    except OSError as error:
        print("stopped by", error)
