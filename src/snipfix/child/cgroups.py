"""Control groups: the memory and the processes of all of a job together, bounded by the kernel where this user may make such groups."""

import os

MB = 1 << 20
CONTROLLERS = ("memory", "pids")
# controller: (file of the limit, file that counts processes ended for want of memory), in version 1 and in version 2
FILES = {
    1: {"memory": "memory.limit_in_bytes", "pids": "pids.max", "ended": "memory.oom_control"},
    2: {"memory": "memory.max", "pids": "pids.max", "ended": "memory.events"},
}


class Groups:
    """The folder of this fork server's groups in each hierarchy. Kept open: the path is out of reach once the server is confined.

    Raises OSError where no groups can be had.
    """

    def __init__(self, name, owner=None):
        self.version, places = hierarchies()
        self.folders = []
        self.count = 0
        for place in places:
            path = os.path.join(place, name)
            os.mkdir(path, 0o755)
            if not os.path.exists(os.path.join(path, FILES[self.version]["pids" if "pids" in place else "memory"])):
                os.rmdir(path)
                raise OSError(f"{place} hands no controllers down")
            if owner is not None:
                os.chown(path, owner, owner)
            self.folders.append(os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))

    def put(self, pid):
        """Put a process, and all it will start, into a new group. Gives the group's name, '' when it cannot be had after all."""
        self.count += 1
        name = f"job-{self.count}"
        try:
            for folder in self.folders:
                os.mkdir(name, dir_fd=folder)
                self._write(folder, name, "cgroup.procs", pid)
        except OSError:
            return ""
        return name

    def limit(self, name, memory_mb, processes):
        """Bound a group. What was loaded before the fork is the fork server's, and is not counted."""
        for controller, value in (("memory", memory_mb * MB), ("pids", processes)):
            for folder in self.folders:
                try:
                    self._write(folder, name, FILES[self.version][controller], value)
                except OSError:
                    continue

    def starved(self, name):
        """How many processes of a group the kernel has ended because the group was at its limit."""
        for folder in self.folders:
            try:
                with open(os.open(f"{name}/{FILES[self.version]['ended']}", os.O_RDONLY, dir_fd=folder)) as file:
                    return sum(int(line.split()[1]) for line in file if line.startswith("oom_kill "))
            except OSError:
                continue
        return 0

    def remove(self, name):
        """Remove a group whose processes have ended."""
        for folder in self.folders:
            try:
                os.rmdir(name, dir_fd=folder)
            except OSError:
                continue

    @staticmethod
    def _write(folder, name, file, value):
        descriptor = os.open(f"{name}/{file}", os.O_WRONLY, dir_fd=folder)
        try:
            os.write(descriptor, str(value).encode())
        finally:
            os.close(descriptor)


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
