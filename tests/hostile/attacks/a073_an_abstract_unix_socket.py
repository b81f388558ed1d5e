# 073 an abstract Unix socket
# expect: ok
# succeeds without: process

import socket
try:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + ABSTRACT)
        connection.sendall(b"stolen")
        print("ESCAPED")
except OSError as error:
    print("stopped by", error)
