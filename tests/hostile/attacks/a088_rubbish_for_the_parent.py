# 088 rubbish for the parent
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
for descriptor in range(3, 256):
    try:
        os.write(descriptor, os.urandom(5000) + b"\n{}\n[]\nnull\n" + b"[" * 50000 + b"\n" + b'{"set": {"kind": 7}}\n{"add": {"calls": [1, {}]}}\n')
    except OSError:
        pass
