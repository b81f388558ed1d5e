# 008 one big file
# expect: ok
# succeeds without: limits
# raised: file_mb=1024

try:
    with open("big", "wb") as file:
        for _ in range(400):
            file.write(bytes(1 << 20))
    print("ESCAPED: a file of 400 MB")
except OSError as error:
    print("stopped by", error)
