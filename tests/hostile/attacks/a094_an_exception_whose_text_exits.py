# 094 an exception whose text exits
# expect: exited raised
# succeeds without: fork

import os
class Odd(Exception):
    def __str__(self):
        os._exit(0)
raise Odd
