# expect: raised
import sys
import torch
def show(frame, event, argument):
    return show
sys.settrace(show)
torch.nn.Linear(2, 3)(torch.ones(1, 5))
# prints:
