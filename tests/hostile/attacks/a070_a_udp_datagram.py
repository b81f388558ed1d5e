# 070 a UDP datagram
# expect: ok
# succeeds without: process

import socket
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"stolen", ("127.0.0.1", UDP_PORT))
        print("ESCAPED: sent")
except OSError as error:
    print("stopped by", error)
