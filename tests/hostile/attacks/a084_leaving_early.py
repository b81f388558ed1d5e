# 084 leaving early
# expect: exited

import os
print('half')
os._exit(0)
