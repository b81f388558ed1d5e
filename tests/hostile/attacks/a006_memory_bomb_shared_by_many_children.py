# 006 memory bomb shared by many children
# expect: out-of-memory
# timeout: 40
# unshown: to let it succeed would harm the machine

import os, time
for _ in range(20):
    if os.fork() == 0:
        block = bytearray(b"x") * (400 << 20)
        time.sleep(60)
        os._exit(0)
time.sleep(30)
print("ESCAPED: 8 GB in twenty processes")
