# 069 a TCP connection
# expect: ok
# succeeds without: process

import socket
for host, port in (("127.0.0.1", TCP_PORT), ("::1", TCP_PORT), ("1.1.1.1", 80)):
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as connection:
            connection.settimeout(1)
            connection.connect((host, port))
            connection.sendall(b"stolen")
            print("ESCAPED: connected to", host)
    except OSError as error:
        print("stopped by", error)
