# 117 subclasses that lie about themselves
# expect: raised exited
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

class Text(str):
    def __str__(self):
        raise SystemExit(0)
    __repr__ = encode = __str__
class Odd(Exception):
    args = property(lambda self: 1 / 0)
    __str__ = __repr__ = lambda self: Text("odd")
raise Odd(Text("x"))
