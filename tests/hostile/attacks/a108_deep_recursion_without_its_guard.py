# 108 deep recursion without its guard
# expect: raised crashed out-of-memory timeout exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import sys
sys.setrecursionlimit(10 ** 9)
def again(x):
    return repr([again(x)])
again(1)
