# expect: ok
import signal
signal.alarm(1)
print("done in time")
# prints: done in time
