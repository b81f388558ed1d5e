# 018 catastrophic regular expression
# expect: timeout
# succeeds without: fork
# timeout: 1

import re
re.match(r"(a+)+$", "a" * 60 + "b")
