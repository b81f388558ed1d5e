# 108 deep recursion without its guard
# expect: raised crashed out-of-memory timeout exited

import sys
sys.setrecursionlimit(10 ** 9)
def again(x):
    return repr([again(x)])
again(1)
