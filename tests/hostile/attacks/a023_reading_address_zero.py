# 023 reading address zero
# expect: crashed
# succeeds without: fork

import ctypes
ctypes.string_at(0)
