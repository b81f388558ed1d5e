# expect: ok
import time
from concurrent.futures import ThreadPoolExecutor
pool = ThreadPoolExecutor(2)
for _ in range(4):
    pool.submit(lambda: (time.sleep(0.1), print("worked")))
# prints: worked worked worked worked
