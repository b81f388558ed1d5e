# 012 sparse file of a terabyte
# expect: ok

try:
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)
    print("ESCAPED: a terabyte")
except OSError as error:
    print("stopped by", error)
