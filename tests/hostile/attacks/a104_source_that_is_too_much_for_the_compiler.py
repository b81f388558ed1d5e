# 104 source that is too much for the compiler
# expect: raised crashed

x = "(" * 5
exec("x = " + "(" * 5000 + ")" * 5000)
