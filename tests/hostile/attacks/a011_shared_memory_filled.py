# 011 shared memory filled
# expect: ok
# succeeds without: limits
# raised: shm_mb=1024

try:
    for number in range(4):
        with open(f"/dev/shm/hoard-{number}", "wb") as file:
            file.write(bytes(200 << 20))
    print("ESCAPED: 800 MB of shared memory")
except OSError as error:
    print("stopped by", error)
