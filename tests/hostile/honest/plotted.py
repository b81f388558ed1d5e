# ruff: noqa
# needs: torch
import os

import matplotlib.pyplot as plt
import torch

losses = torch.linspace(2, 0.1, 20)
figure, axes = plt.subplots()
axes.plot(losses, label="loss")
axes.set_title("training")
axes.legend()
plt.savefig("loss.png")
plt.show()
print(os.path.getsize("loss.png") > 1000, plt.get_backend().lower())
# prints: True agg
