# expect: ok
import sys
print("seen")
sys.stdout = open("log.txt", "w")
print("not seen")
# prints: seen
