# 116 a name that escapes its folder
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import os
for path in ("../../../../tmp/planted", "/tmp/../planted", "/planted", "/usr/planted", "/etc/planted", "/dev/planted", "/proc/planted"):
    try:
        open(path, "w").close()
        if not os.path.realpath(path).startswith(("/tmp/", "/scratch/")):
            print("ESCAPED: wrote", path)
    except OSError as error:
        print("stopped by", error)
