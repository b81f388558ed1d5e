# 118 an exception group of a million
# expect: raised
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

errors = [ValueError(number) for number in range(1000)]
for _ in range(200):
    errors = [Exception("wrapped", errors)]
raise errors[0]
