# expect: ok
import builtins
original = builtins.__import__
def tracing(name, *rest):
    return original(name, *rest)
builtins.__import__ = tracing
import decimal
print(decimal.Decimal(1))
# prints: 1
