# 089 a flood for the parent
# expect: output-flood timeout
# timeout: 3
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
while True:
    for descriptor in range(100, 110):
        try:
            os.write(descriptor, b"x" * 60000 + b"\n")
        except OSError:
            pass
