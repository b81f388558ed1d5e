# 074 asking for a name
# expect: ok
# unshown: names are asked for over sockets, which other attacks show to be reachable without the layer

import socket
try:
    print("ESCAPED", socket.getaddrinfo("example.org", 80))
except OSError as error:
    print("stopped by", error)
