# 059 removing installed files
# expect: ok
# unshown: to let it succeed would harm the machine

import os, sysconfig
folder = sysconfig.get_paths()["purelib"]

import email.mime.nonmultipart as module
for change in (lambda: os.rename(module.__file__, module.__file__ + ".gone"), lambda: os.link(module.__file__, module.__file__ + ".link")):
    try:
        change()
        print("ESCAPED")
    except OSError as error:
        print("stopped by", error)
