# 005 memory bomb of tensors
# expect: ok out-of-memory
# needs: torch
# timeout: 20
# unshown: to let it succeed would harm the machine

import torch
hoard = []
try:
    while len(hoard) < 100:
        hoard.append(torch.ones(64 << 20))
except (RuntimeError, MemoryError) as error:
    hoard.clear()
    print("stopped by", type(error).__name__)
else:
    print("ESCAPED: 25 GB")
