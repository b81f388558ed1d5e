"""Control groups: the memory and the processes of all of a job together, bounded by the kernel where this user may make such groups."""

import os
import time

MB = 1 << 20
CONTROLLERS = ("memory", "pids")
FILES = {
    1: {"memory": "memory.limit_in_bytes", "used": "memory.usage_in_bytes", "ended": "memory.oom_control", "pids": "pids.max"},
    2: {"memory": "memory.max", "used": "memory.current", "ended": "memory.events", "pids": "pids.max"},
}


class Group:
    """A group for this process and all it will fork. One for all jobs: they run one after another, and to move a process costs milliseconds.

    Its files are kept open: their paths are out of reach once the fork server is confined. Raises OSError where no group can be had.
    """

    def __init__(self, name):
        version, places = hierarchies()
        self.files, self.paths, self.ended, self.ready = {}, [], 0, None
        try:
            for place in places:
                path = os.path.join(place, name)
                os.mkdir(path, 0o755)
                self.paths.append(path)
                for use, file in FILES[version].items():
                    if os.path.exists(os.path.join(path, file)):
                        self.files[use] = os.open(os.path.join(path, file), os.O_RDONLY if use in ("used", "ended") else os.O_RDWR)
            if set(self.files) != set(FILES[version]):
                raise OSError("its controllers are not handed down")
        except OSError:
            self.remove()
            raise

    def join(self, processes):
        """Put this process into the group, and bound how many may be in it."""
        for path in self.paths:
            with open(os.path.join(path, "cgroup.procs"), "w") as file:
                file.write(str(os.getpid()))
        self._write("pids", processes)

    def remove(self):
        """Remove the group, whose last process may be ending still."""
        for path in self.paths:
            for _ in range(50):
                try:
                    os.rmdir(path)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    time.sleep(0.02)

    def limit(self, memory_mb):
        """Bound what a job that begins now may add to what is held already."""
        if memory_mb != self.ready:
            self.prepare(memory_mb)
        self.ready = None

    def prepare(self, memory_mb):
        """Set the limit of a job before it comes, between two jobs: it takes a fifth of a millisecond."""
        self.ended = self._count()
        self._write("memory", int(self._read("used")) + memory_mb * MB)
        self.ready = memory_mb

    def starved(self):
        """Whether the kernel has ended a process since the last limit was set, for want of memory within it."""
        return self._count() > self.ended

    def _count(self):
        return sum(int(line.split()[1]) for line in self._read("ended").splitlines() if line.startswith("oom_kill "))

    def _write(self, use, value):
        try:
            os.pwrite(self.files[use], str(value).encode(), 0)
        except OSError:
            pass  # what the kernel does not bound is watched

    def _read(self, use):
        return os.pread(self.files[use], 4096, 0).decode()


def hierarchies():
    """(version, folders of this process's own groups): one for each controller in version 1, one for both in version 2."""
    own = {}
    with open("/proc/self/cgroup") as file:
        for line in file:
            _, controllers, path = line.rstrip("\n").split(":", 2)
            own.update(dict.fromkeys(controllers.split(","), path))
    places = {}
    with open("/proc/self/mountinfo") as file:
        for line in file:
            left, _, right = line.partition(" - ")
            point, (kind, _, options) = left.split()[4], right.split()[:3]
            for controller in CONTROLLERS if kind == "cgroup" else ():
                if controller in options.split(","):
                    places[controller] = below(point, own.get(controller, "/"))
            if kind == "cgroup2":
                places[""] = below(point, own.get("", "/"))
    if all(controller in places for controller in CONTROLLERS):
        return 1, sorted({places[controller] for controller in CONTROLLERS})
    if "" not in places:
        raise OSError("no control groups are mounted")
    hand_down(places[""])
    return 2, [places[""]]


def below(point, path):
    """The folder of a group under its mount, or the mount itself where a container shows no more."""
    inner = os.path.join(point, path.lstrip("/"))
    return inner if os.path.isdir(inner) else point


def hand_down(place):
    """Ask for the controllers in groups below; refused where they have not been delegated."""
    try:
        with open(os.path.join(place, "cgroup.subtree_control"), "w") as file:
            file.write(" ".join("+" + controller for controller in CONTROLLERS))
    except OSError:
        pass  # they may be there already
