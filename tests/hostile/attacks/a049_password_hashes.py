# 049 password hashes
# expect: ok
# unshown: an ordinary user, as whom it is run too, may not read them in any mode

try:
    print("ESCAPED:", len(open("/etc/shadow").read()))
except OSError as error:
    print("stopped by", error)
