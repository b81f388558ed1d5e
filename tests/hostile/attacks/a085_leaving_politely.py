# 085 leaving politely
# expect: exited

import sys
sys.exit(0)
