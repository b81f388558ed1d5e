# 084 leaving early
# expect: exited
# succeeds without: fork

import os
print('half')
os._exit(0)
