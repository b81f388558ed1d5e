"""Confinement of the fork server and of every job process, layer by layer."""

import os
import resource
import shutil
import signal
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MB = 1 << 20


class Refused(Exception):
    """The sandbox cannot be had as asked: (message, hint)."""


class Box:
    """What confines jobs here: decided once in `seal`, applied to each process in `enter` and `limit`."""

    def __init__(self, policy, scratch):
        self.policy, self.base = policy, scratch
        self.mode, self.layers = "process", []
        self.count = 0

    def seal(self):
        """Confine the fork server itself, before anything heavy is imported."""
        self.layers = [("limits", True, "time, memory, processes, files and output are bounded")]

    def new_scratch(self):
        self.count += 1
        path = os.path.join(self.base, "job-%d" % self.count)
        os.mkdir(path, 0o700)
        return path

    def remove_scratch(self, path):
        shutil.rmtree(path, ignore_errors=True)

    def fork(self):
        return os.fork()

    def enter(self, scratch):
        """In the job process, before its job is known."""
        os.chdir(scratch)
        os.environ.update(HOME=scratch, TMPDIR=scratch)

    def limit(self, job):
        """In the job process, once its job is known."""
        policy = self.policy
        memory = job["memory_mb"] * MB
        seconds = int(job["timeout"] * max(2, policy["threads"])) + 5
        limits = {
            "CORE": 0,
            "FSIZE": policy["file_mb"] * MB,
            "NOFILE": policy["files"],
            "NPROC": policy["processes"],
            "CPU": seconds,
            "MEMLOCK": 0,
        }
        if policy["device"] == "cpu" and sys.platform == "linux":
            limits["AS"] = address_space() + memory
        for name, value in limits.items():
            set_limit(name, value)

    def excess(self, process, memory_mb):
        """(outcome kind, detail) when the job's processes together use more than they may."""
        return None

    def sweep(self, pid, spare):
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass
        sweep_children({spare})


def set_limit(name, value):
    number = getattr(resource, "RLIMIT_" + name, None)
    if number is None:
        return
    hard = resource.getrlimit(number)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    try:
        resource.setrlimit(number, (value, value))
    except (OSError, ValueError):
        pass


def address_space():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def sweep_children(spared):
    """Kill and reap the children of this process, those that orphans have become too, except the spared."""
    for _ in range(200):
        children = own_children() - spared
        if not children:
            return
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        for pid in children:
            try:
                os.waitpid(pid, 0)
            except OSError:
                pass


def own_children():
    try:
        with open("/proc/self/task/%d/children" % os.getpid()) as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:
        return set()
