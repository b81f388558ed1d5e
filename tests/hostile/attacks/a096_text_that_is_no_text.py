# 096 text that is no text
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
os.write(1, b"\xff\xfe\x00\xed\xa0\x80" * 100)
print("\ud800\x00")
