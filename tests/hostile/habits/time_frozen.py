# expect: ok
import time
time.time = time.monotonic = time.perf_counter = lambda: 0.0
time.sleep = lambda seconds: None
time.sleep(3600)
print(time.time())
# prints: 0.0
