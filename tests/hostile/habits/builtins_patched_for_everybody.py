# expect: ok
import builtins
say = builtins.print
builtins.print = lambda *words: say("log:", *words, flush=True)
builtins.len = lambda thing: 42
builtins.isinstance = lambda value, kind: True
builtins.open = builtins.getattr = None
print(len([]))
# prints: log: 42
