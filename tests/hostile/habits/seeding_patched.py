# expect: ok
import random
import torch
torch.manual_seed = torch.random.manual_seed = lambda seed: print("seeded", seed)
random.seed = torch.set_num_threads = None
torch.manual_seed(3)
# prints: seeded 3
