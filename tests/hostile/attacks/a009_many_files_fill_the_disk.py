# 009 many files fill the disk
# expect: ok output-flood

try:
    for number in range(100):
        with open(f"part{number}", "wb") as file:
            file.write(bytes(50 << 20))
    print("ESCAPED: 5 GB on disk")
except OSError as error:
    print("stopped by", error)
