# expect: ok
import warnings
def silent(*args, **kwargs):
    pass
warnings.warn = silent
warnings.showwarning = silent
warnings.simplefilter("error")
warnings.warn("x")
print("quiet")
# prints: quiet
