# 110 datagrams to a Unix socket without connecting
# expect: ok
# succeeds without: process

import socket
try:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"stolen", UNIX_DATAGRAM)
        print("ESCAPED")
except OSError as error:
    print("stopped by", error)
