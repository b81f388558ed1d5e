# 085 leaving politely
# expect: exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import sys
sys.exit(0)
