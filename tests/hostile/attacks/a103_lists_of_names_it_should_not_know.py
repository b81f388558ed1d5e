# 103 lists of names it should not know
# expect: ok
# succeeds without: process

import os
for path in ("/home", "/root", "/var", "/mnt", "/opt", "/srv", "/tmp"):
    try:
        names = [name for name in os.listdir(path) if SECRET_FOLDER in name]
        if names:
            print("ESCAPED:", path, names)
    except OSError as error:
        print("stopped by", error)
