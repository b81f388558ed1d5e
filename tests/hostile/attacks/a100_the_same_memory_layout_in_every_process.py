# 100 the same memory layout in every process
# expect: ok
# unshown: a process may do so with itself: that no other is touched is what is tested

import ctypes
print(id(object) > 0)
