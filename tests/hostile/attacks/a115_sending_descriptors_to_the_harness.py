# 115 sending descriptors to the harness
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os, socket
for number in range(3, 256):
    try:
        with socket.socket(fileno=os.dup(number)) as other:
            socket.send_fds(other, [b"x"], [0])
            print("ESCAPED: reached a socket")
    except OSError:
        pass
