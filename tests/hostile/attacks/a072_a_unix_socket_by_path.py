# 072 a Unix socket by path
# expect: ok
# succeeds without: process

import socket
for path in (UNIX_PATH, "/run/dbus/system_bus_socket", "/var/run/docker.sock", "/run/systemd/private"):
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(path)
            connection.sendall(b"stolen")
            print("ESCAPED:", path)
    except OSError as error:
        print("stopped by", error)
