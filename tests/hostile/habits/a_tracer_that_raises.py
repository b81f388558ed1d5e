# expect: ok
import sys
print("before")
sys.settrace(lambda *_: 1 / 0)
# prints: before
