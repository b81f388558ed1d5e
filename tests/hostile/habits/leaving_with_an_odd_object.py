# expect: exited
# says: <message cannot be had: ValueError>
class Odd:
    def __str__(self):
        raise ValueError
raise SystemExit(Odd())
# prints:
