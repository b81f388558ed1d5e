# 119 a chain of causes without end
# expect: raised

error = ValueError("end")
error.__context__ = other = KeyError("start")
other.__cause__ = error
raise error
