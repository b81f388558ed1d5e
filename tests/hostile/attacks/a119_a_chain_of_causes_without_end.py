# 119 a chain of causes without end
# expect: raised
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

error = ValueError("end")
error.__context__ = other = KeyError("start")
other.__cause__ = error
raise error
