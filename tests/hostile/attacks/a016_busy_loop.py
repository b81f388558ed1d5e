# 016 busy loop
# expect: timeout
# succeeds without: fork
# timeout: 1

while True:
    pass
