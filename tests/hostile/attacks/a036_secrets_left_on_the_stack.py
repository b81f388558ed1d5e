# 036 secrets left on the stack
# expect: ok
# unshown: the environment is made anew in every mode

for name in ("[stack]", "[heap]"):
    for line in open("/proc/self/maps"):
        if line.rstrip().endswith(name):
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            with open("/proc/self/mem", "rb") as memory:
                memory.seek(start)
                if ("TOK" + "EN_OF_THE_HOST=").encode() in memory.read(end - start):
                    print("ESCAPED")
