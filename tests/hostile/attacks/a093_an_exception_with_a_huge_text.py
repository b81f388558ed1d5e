# 093 an exception with a huge text
# expect: raised exited output-flood timeout
# timeout: 8

raise ValueError("x" * (300 << 20))
