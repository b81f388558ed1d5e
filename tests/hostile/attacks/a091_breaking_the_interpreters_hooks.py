# 091 breaking the interpreter's hooks
# expect: ok raised exited

import sys
sys.settrace(lambda *_: 1 / 0)
sys.excepthook = None
sys.stdout = None
sys.stderr = object()
sys.modules.clear()
