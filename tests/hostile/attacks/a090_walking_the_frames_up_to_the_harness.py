# 090 walking the frames up to the harness
# expect: ok exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import sys
frame = sys._getframe()
while frame:
    for name in list(frame.f_locals):
        if name in ("send", "executor", "job", "task"):
            frame.f_locals[name] = None
    frame = frame.f_back
