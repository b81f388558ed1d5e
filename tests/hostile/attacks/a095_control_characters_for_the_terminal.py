# 095 control characters for the terminal
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

print("\x1b]0;owned\x07\x1b[2J\x1b[31m\u202eright to left\u2066\x9b31m")
