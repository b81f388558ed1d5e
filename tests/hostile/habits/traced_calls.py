# expect: ok
import sys
import threading
def tracer(frame, event, argument):
    if frame.f_code.co_name == "watched":
        sys.stdout.write("called\n")
    return None
sys.settrace(tracer)
threading.settrace(tracer)
sys.setprofile(lambda *_: None)
def watched():
    pass
watched()
# prints: called
