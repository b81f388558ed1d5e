# expect: ok
print("before")
print = None
# prints: before
