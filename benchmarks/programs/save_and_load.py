import os
import tempfile

import torch
import torch.nn as nn


class TwoLayerNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.linear1 = nn.Linear(d_in, h)
        self.linear2 = nn.Linear(h, d_out)

    def forward(self, x):
        return self.linear2(self.linear1(x).clamp(min=0))


model = TwoLayerNet(6, 10, 2)
path = os.path.join(tempfile.mkdtemp(), "model.pt")
torch.save(model.state_dict(), path)

restored = TwoLayerNet(6, 10, 2)
restored.load_state_dict(torch.load(path))
restored.eval()
x = torch.randn(3, 6)
print(torch.allclose(model(x), restored(x)))
print(restored(x))
