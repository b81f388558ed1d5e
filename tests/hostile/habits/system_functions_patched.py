# expect: ok
import os
import sys
os.write = os.dup2 = os.open = os.getpid = lambda *_: 0
sys.exit = sys._getframe = lambda *_: None
sys.exit(3)
print("went on")
# prints: went on
