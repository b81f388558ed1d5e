# 057 writing byte code
# expect: ok
# unshown: to let it succeed would harm the machine

import os, this
folder = os.path.join(os.path.dirname(this.__file__), "__pycache__")
try:
    with open(os.path.join(folder, "planted.pyc"), "wb") as file:
        file.write(b"")
    os.unlink(os.path.join(folder, "planted.pyc"))
    print("ESCAPED")
except OSError as error:
    print("stopped by", error)
