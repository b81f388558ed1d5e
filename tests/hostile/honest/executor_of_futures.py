# ruff: noqa
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor


def triple(x):
    return 3 * x


if __name__ == "__main__":
    with ThreadPoolExecutor(4) as threads, ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as processes:
        print(list(threads.map(triple, [1, 2])), list(processes.map(triple, [1, 2])))
# prints: [3, 6] [3, 6]
