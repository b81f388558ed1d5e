# 017 loop in C that holds the GIL
# expect: timeout
# succeeds without: fork
# timeout: 1

10 ** 10 ** 8
