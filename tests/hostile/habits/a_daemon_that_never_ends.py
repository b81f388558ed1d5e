# expect: ok
import threading
import time
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print("done")
# prints: done
