# 056 writing into the installed packages
# expect: ok
# unshown: to let it succeed would harm the machine

import os, sysconfig
folder = sysconfig.get_paths()["purelib"]

try:
    with open(os.path.join(folder, "planted.pth"), "w") as file:
        file.write("import os")
    os.unlink(os.path.join(folder, "planted.pth"))
    print("ESCAPED: wrote into", folder)
except OSError as error:
    print("stopped by", error)
