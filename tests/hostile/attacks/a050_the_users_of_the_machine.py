# 050 the users of the machine
# expect: ok
# succeeds without: process

try:
    text = open("/etc/passwd").read()
    print("ESCAPED" if text.count("\n") > 2 else "two made-up users")
except OSError as error:
    print("stopped by", error)
