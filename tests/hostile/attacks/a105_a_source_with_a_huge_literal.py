# 105 a source with a huge literal
# expect: raised ok timeout
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

exec("x = " + "9" * 200000)
