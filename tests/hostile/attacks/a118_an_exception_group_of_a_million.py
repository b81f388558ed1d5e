# 118 an exception group of a million
# expect: raised

errors = [ValueError(number) for number in range(1000)]
for _ in range(200):
    errors = [Exception("wrapped", errors)]
raise errors[0]
