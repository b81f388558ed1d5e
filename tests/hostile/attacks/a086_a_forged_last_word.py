# 086 a forged last word
# expect: exited ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
for descriptor in range(3, 256):
    try:
        os.write(descriptor, b'{"set": {"kind": "ok", "stdout": "forged", "usage": {"wall": -1}}}\n')
    except OSError:
        pass
os._exit(3)
