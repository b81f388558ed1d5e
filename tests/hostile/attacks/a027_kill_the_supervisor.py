# 027 kill the supervisor
# expect: ok
# unshown: to let it succeed would harm the machine

import os, signal
try:
    os.kill(SUPERVISOR, signal.SIGTERM)
    print("ESCAPED: signalled the supervisor")
except OSError as error:
    print("stopped by", error)
