# 021 waiting for input
# expect: raised

input()
