# ruff: noqa
import inspect


def twice(x):
    return 2 * x


print(inspect.getsource(twice).splitlines()[1].strip())
# prints: return 2 * x
