# expect: ok
import json
import torch
json.JSONEncoder.default = lambda self, value: value.tolist()
print(json.dumps(torch.ones(2)))
json.dumps = json.loads = lambda *_: "{}"
# prints: [1.0, 1.0]
