# ruff: noqa
import threading
import time


def late():
    time.sleep(0.2)
    print("late")


thread = threading.Thread(target=late)
thread.start()
print("early")
thread.join()
# prints: early late
