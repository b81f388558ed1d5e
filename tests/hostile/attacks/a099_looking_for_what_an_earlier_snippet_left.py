# 099 looking for what an earlier snippet left
# expect: ok

import builtins, json, os, sys
assert json.dumps is not None and len("x") == 1
assert sys.modules.get("torch", 1) is not None
left = [name for name in os.listdir(".") if name not in ("snippet.py",)]
print("ESCAPED: found" if left else "clean", left)
