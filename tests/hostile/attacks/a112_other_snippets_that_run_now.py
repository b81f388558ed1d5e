# 112 other snippets that run now
# expect: ok
# succeeds without: process

import os
others = [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) != os.getpid()]
print("ESCAPED: sees" if others else "alone", others[:5])
