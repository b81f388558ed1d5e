# 033 reading another process's memory through proc
# expect: ok
# succeeds without: process

try:
    with open(f"/proc/{VICTIM}/mem", "rb") as memory:
        memory.seek(VICTIM_ADDRESS)
        print("ESCAPED: read", memory.read(16))
except OSError as error:
    print("stopped by", error)
