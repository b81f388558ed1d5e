# 099 looking for what an earlier snippet left
# expect: ok
# unshown: nothing to succeed at: what is tested is the name of its end and the health of the next

import builtins, json, os, sys
assert json.dumps is not None and len("x") == 1
assert sys.modules.get("torch", 1) is not None
left = [name for name in os.listdir(".") if name not in ("snippet.py",)]
print("ESCAPED: found" if left else "clean", left)
