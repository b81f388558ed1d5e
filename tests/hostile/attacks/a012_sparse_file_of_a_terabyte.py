# 012 sparse file of a terabyte
# expect: ok
# succeeds without: limits
# raised: file_mb=4194304

try:
    with open("sparse", "wb") as file:
        file.truncate(1 << 40)
    print("ESCAPED: a terabyte")
except OSError as error:
    print("stopped by", error)
