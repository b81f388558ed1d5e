# 004 memory bomb of Python objects
# expect: ok out-of-memory
# timeout: 20
# unshown: to let it succeed would harm the machine

hoard = []
try:
    while len(hoard) < 100:
        hoard.append(bytearray(256 << 20))
except MemoryError:
    held = len(hoard)
    hoard.clear()
    print("held", held)
else:
    print("ESCAPED: 25 GB")
