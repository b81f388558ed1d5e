# 048 secrets of the user
# expect: ok
# succeeds without: process

try:
    print("ESCAPED:", open(SECRET_FILE).read())
except OSError as error:
    print("stopped by", error)
