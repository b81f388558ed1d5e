# ruff: noqa
# needs: torch
import torch
import torch.multiprocessing as mp


def fill(tensor):
    tensor.fill_(7)


if __name__ == "__main__":
    tensor = torch.zeros(3).share_memory_()
    process = mp.get_context("fork").Process(target=fill, args=(tensor,))
    process.start()
    process.join()
    print(tensor.tolist())
# prints: [7.0, 7.0, 7.0]
