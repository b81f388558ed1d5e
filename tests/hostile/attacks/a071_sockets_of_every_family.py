# 071 sockets of every family
# expect: ok
# succeeds without: nsonly

import socket
for family in range(2, 46):
    for kind in (1, 2, 3, 5):
        try:
            socket.socket(family, kind).close()
            print("ESCAPED: family", family, "kind", kind)
        except OSError:
            pass
