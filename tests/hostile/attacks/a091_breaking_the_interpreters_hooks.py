# 091 breaking the interpreter's hooks
# expect: ok raised exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import sys
sys.settrace(lambda *_: 1 / 0)
sys.excepthook = None
sys.stdout = None
sys.stderr = object()
sys.modules.clear()
