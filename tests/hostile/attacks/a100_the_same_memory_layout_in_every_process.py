# 100 the same memory layout in every process
# expect: ok

import ctypes
print(id(object) > 0)
