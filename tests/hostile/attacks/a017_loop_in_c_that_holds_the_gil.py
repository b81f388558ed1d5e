# 017 loop in C that holds the GIL
# expect: timeout
# timeout: 1

10 ** 10 ** 8
