# 011 shared memory filled
# expect: ok

try:
    for number in range(10):
        with open(f"/dev/shm/hoard-{number}", "wb") as file:
            file.write(bytes(200 << 20))
    print("ESCAPED: 2 GB of shared memory")
except OSError as error:
    print("stopped by", error)
