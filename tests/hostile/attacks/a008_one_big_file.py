# 008 one big file
# expect: ok

try:
    with open("big", "wb") as file:
        for _ in range(2048):
            file.write(bytes(1 << 20))
    print("ESCAPED: a file of 2 GB")
except OSError as error:
    print("stopped by", error)
