# 095 control characters for the terminal
# expect: ok

print("\x1b]0;owned\x07\x1b[2J\x1b[31m\u202eright to left\u2066\x9b31m")
