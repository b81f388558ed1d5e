# expect: ok
import os, sys
print("before", flush=True)
sys.stdout.close()
os.close(2)
# prints: before
