# 058 changing marks of installed files
# expect: ok
# unshown: to let it succeed would harm the machine

import os, sysconfig
folder = sysconfig.get_paths()["purelib"]

target = os.path.join(folder, next(name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name))))
for change in (lambda: os.chmod(target, 0o777), lambda: os.utime(target, (0, 0)), lambda: os.setxattr(target, "user.mark", b"x")):
    try:
        change()
        print("ESCAPED")
    except OSError as error:
        print("stopped by", error)
