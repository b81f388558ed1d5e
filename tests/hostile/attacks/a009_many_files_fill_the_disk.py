# 009 many files fill the disk
# expect: ok output-flood
# succeeds without: limits
# raised: disk_mb=1024

try:
    for number in range(10):
        with open(f"part{number}", "wb") as file:
            file.write(bytes(70 << 20))
    print("ESCAPED: 700 MB on disk")
except OSError as error:
    print("stopped by", error)
