# 098 poisoning shared modules
# expect: ok exited raised
# succeeds without: fork

import builtins, json, os, sys
json.dumps = json.loads = None
json.JSONEncoder.encode = lambda *_: "[]"
os.write = lambda *_: 1 / 0
builtins.len = lambda _: 0
sys.modules["torch"] = None
