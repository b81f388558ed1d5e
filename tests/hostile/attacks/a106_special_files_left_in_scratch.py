# 106 special files left in scratch
# expect: ok

import os, socket
os.mkfifo("fifo")
server = socket.socket(socket.AF_UNIX)
server.bind("socket")
os.mkdir("locked")
open("locked/file", "w").close()
os.chmod("locked", 0)
