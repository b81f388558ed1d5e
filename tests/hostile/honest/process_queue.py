# ruff: noqa
from multiprocessing import Process, Queue, set_start_method


def work(queue):
    queue.put("done")


if __name__ == "__main__":
    set_start_method("fork", force=True)
    queue = Queue()
    worker = Process(target=work, args=(queue,))
    worker.start()
    print(queue.get(timeout=5))
    worker.join()
# prints: done
