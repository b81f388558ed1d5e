# 066 settings of the kernel
# expect: ok
# unshown: to let it succeed would harm the machine

for path, text in (("/proc/sys/kernel/core_pattern", "|/bin/true"), ("/proc/sysrq-trigger", "h"), ("/proc/sys/vm/overcommit_memory", "1"), ("/proc/self/oom_score_adj", "-1000")):
    try:
        with open(path, "w") as file:
            file.write(text)
        print("ESCAPED: wrote", path)
    except OSError as error:
        print("stopped by", error)
