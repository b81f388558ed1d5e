# 093 an exception with a huge text
# expect: raised exited output-flood timeout
# timeout: 8
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

raise ValueError("x" * (300 << 20))
