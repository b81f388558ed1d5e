# 074 asking for a name
# expect: ok

import socket
try:
    print("ESCAPED", socket.getaddrinfo("example.org", 80))
except OSError as error:
    print("stopped by", error)
