# 104 source that is too much for the compiler
# expect: raised crashed
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

x = "(" * 5
exec("x = " + "(" * 5000 + ")" * 5000)
