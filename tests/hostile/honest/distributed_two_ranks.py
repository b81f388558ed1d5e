import os

import torch
import torch.distributed as dist
import torch.multiprocessing as mp


def work(rank: int, size: int) -> None:
    os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"] = "127.0.0.1", "29501"
    dist.init_process_group("gloo", rank=rank, world_size=size)
    value = torch.tensor([rank + 1.0])
    dist.all_reduce(value)
    if rank == 0:
        print(value.item(), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.spawn(work, args=(2,), nprocs=2)
    print("joined")
# needs: torch
# prints: 3.0 joined
