# ruff: noqa
import os
import threading

os.mkfifo("pipe")
threading.Thread(target=lambda: open("pipe", "w").write("through")).start()
print(open("pipe").read())
# prints: through
