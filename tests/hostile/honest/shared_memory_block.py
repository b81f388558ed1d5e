# ruff: noqa
from multiprocessing import shared_memory

block = shared_memory.SharedMemory(create=True, size=1024)
block.buf[0] = 9
print(block.buf[0])
block.close()
block.unlink()
# prints: 9
