# 106 special files left in scratch
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os, socket
os.mkfifo("fifo")
server = socket.socket(socket.AF_UNIX)
server.bind("socket")
os.mkdir("locked")
open("locked/file", "w").close()
os.chmod("locked", 0)
