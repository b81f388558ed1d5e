# 105 a source with a huge literal
# expect: raised ok timeout

exec("x = " + "9" * 200000)
