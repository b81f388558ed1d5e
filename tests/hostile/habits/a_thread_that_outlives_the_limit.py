# expect: ok
# says: threads that it had started were still at work long after its last line
# timeout: 2
import threading
import time
threading.Thread(target=time.sleep, args=(600,)).start()
print("done")
# prints: done
