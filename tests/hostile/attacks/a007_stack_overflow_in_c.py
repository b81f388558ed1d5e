# 007 stack overflow in C
# expect: crashed exited raised
# succeeds without: fork

import ctypes, sys
sys.setrecursionlimit(1 << 30)
def deeper(*_):
    return call(*_)
call = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: call())
call()
