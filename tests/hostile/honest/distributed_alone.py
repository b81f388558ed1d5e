import os
import socket

import torch
import torch.distributed as dist

os.environ["MASTER_ADDR"] = "localhost"
os.environ["MASTER_PORT"] = "29500"
dist.init_process_group("gloo", rank=0, world_size=1)
value = torch.ones(1)
dist.all_reduce(value)
dist.destroy_process_group()
try:
    socket.create_connection(("8.8.8.8", 53), timeout=2)
except OSError as error:
    print(value.item(), error.strerror)
# needs: torch
# prints: 1.0 Network is unreachable
