# 054 the root of process one
# expect: ok
# unshown: two layers stand one behind the other: own processes and Landlock

for path in ("/proc/1/root", "/proc/1/cwd/../.."):
    try:
        print("ESCAPED:", open(path + SECRET_FILE).read())
    except OSError as error:
        print("stopped by", error)
