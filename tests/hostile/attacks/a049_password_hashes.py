# 049 password hashes
# expect: ok

try:
    print("ESCAPED:", len(open("/etc/shadow").read()))
except OSError as error:
    print("stopped by", error)
