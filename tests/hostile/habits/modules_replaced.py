# expect: ok
import sys
import types
from unittest import mock
sys.modules["wandb"] = types.ModuleType("wandb")
sys.modules["json"] = sys.modules["os"] = mock.MagicMock()
import wandb
print(wandb.__name__)
# prints: wandb
