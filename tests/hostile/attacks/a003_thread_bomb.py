# 003 thread bomb
# expect: ok
# succeeds without: limits
# raised: processes=1000 memory_mb=32768

import threading, time
made = 0
try:
    for _ in range(500):
        threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
        made += 1
except RuntimeError as error:
    print("stopped by", error)
print("ESCAPED: no limit on threads" if made >= 500 else made)
