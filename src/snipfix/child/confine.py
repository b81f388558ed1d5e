"""Confinement of the fork server and of every job process, layer by layer, with what works on this machine found by trying."""

import os
import signal
import sys
from functools import partial

import leftovers
import limits

HERE = os.path.dirname(os.path.abspath(__file__))
NOBODY = 65534
NAMESPACES = ("user", "pid", "net", "ipc", "uts", "cgroup", "ns")
LAYERS = {"full": ("namespaces", "landlock", "seccomp"), "nons": ("landlock", "seccomp"), "nsonly": ("namespaces",), "process": ()}
PLAIN = {
    "namespaces": "own users, processes, network (none), mounts (a read-only view of interpreter and libraries, private scratch)",
    "landlock": "files outside interpreter, libraries and scratch are refused a second time; so are TCP and signals to the outside",
    "seccomp": "system calls that no snippet has business with are refused",
    "limits": "time, memory of each process and of all together ({}), processes, open files, file size and output are bounded",
}


class Refused(Exception):  # noqa: N818
    """The sandbox cannot be had as asked: (message, hint)."""


class Box:
    """What confines jobs here: decided once in `seal`, applied to each process in `enter`."""

    def __init__(self, policy, scratch):
        self.policy, self.base = policy, scratch
        self.on, self.why = set(), {}
        self.count = 0
        self.group, self.no_group = None, ""
        self.plans = {}

    # Deciding --------------------------------------------------------------------------------------------------------

    @property
    def mode(self):
        for name in ("full", "nons", "nsonly"):
            if self.on.issuperset(LAYERS[name]):
                return name
        return "process"

    @property
    def walled(self):
        """Whether each job has namespaces of its own: the kernel then ends and removes all that it leaves."""
        return "namespaces" in self.on

    @property
    def layers(self):
        """(name, on, what it does or why it is missing) of every layer."""
        found = [
            (name, name in self.on, PLAIN[name] if name in self.on else self.why.get(name, "not asked for")) for name in LAYERS["full"]
        ]
        together = "by control groups" if self.group else f"by looking ten times a second; no control groups: {self.no_group}"
        return [*found, ("limits", True, PLAIN["limits"].format(together))]

    def choose(self):
        """Decide on the layers: those asked for, or all that work, each tried in a throw-away process."""
        if self.policy["device"] == "cuda" and not (sys.platform == "linux" and has_card()):
            raise Refused(
                "device 'cuda' was asked for, and there is no NVIDIA device here", "--device cpu, or a machine with a GPU and its driver"
            )
        wanted = LAYERS[self.policy["isolation"] if self.policy["isolation"] != "auto" else "full"]
        self.on, self.why = set(), {}
        for name in wanted:
            error = self.try_layer(name)
            if error:
                self.why[name] = error
            else:
                self.on.add(name)
        if self.policy["isolation"] != "auto" and self.why:
            missing = "; ".join(f"{name}: {why}" for name, why in self.why.items())
            raise Refused(f"isolation {self.policy['isolation']!r} cannot be had here ({missing})", "isolation 'auto' takes what works")
        if self.policy["require"] and not self.on.issuperset(LAYERS["full"]):
            missing = "; ".join(f"{name}: {why}" for name, on, why in self.layers if not on)
            raise Refused(
                f"the full sandbox cannot be had here ({missing})",
                "without --require-sandbox snipfix uses the layers that work; `snipfix doctor` lists them",
            )

    def try_layer(self, name):
        """'' when the layer works here, else why not. All of it happens in a process of its own."""
        if sys.platform != "linux":
            return "needs Linux"
        trial = Box(self.policy, self.base)
        trial.on = {name}
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            words = "no answer"
            try:
                os.close(read)
                trial.apply()
                if trial.fork() == 0:
                    trial.enter(trial.base, trial.plan(trial.base))
                    os.write(write, b"ok")
                    os._exit(0)
                os.wait()
                os._exit(0)
            except BaseException as error:
                words = str(error) or type(error).__name__
            os.write(write, words.encode("utf-8", "replace")[:500])
            os._exit(1)
        os.close(write)
        words = b""
        while part := os.read(read, 1000):
            words += part
        os.close(read)
        os.waitpid(pid, 0)
        text = words.decode("utf-8", "replace") or "ended without a word"
        return "" if text == "ok" else text

    # The fork server -------------------------------------------------------------------------------------------------

    def seal(self):
        """Confine the fork server itself, before its first job is known and anything that a job asks for is imported."""
        self.choose()
        self.join_group()
        self.apply()

    def join_group(self):
        """Make a control group for the jobs, where that is allowed. It is no layer of its own: without it the same is watched."""
        if sys.platform != "linux":
            self.no_group = "needs Linux"
            return
        import cgroups
        import linux

        try:
            group = cgroups.Group(os.path.basename(self.base))
            pid = os.fork()
            if pid:  # somebody has to stay behind who may still remove it
                leftovers.leave_with(pid, group.remove)
            linux.prctl(linux.PDEATHSIG, signal.SIGKILL)
            group.join(self.policy["processes"] + 8)  # the fork server's own, and who waits
            self.group = group
        except OSError as error:
            self.no_group = error.strerror or str(error)

    def apply(self):
        if sys.platform != "linux":
            return
        import linux
        import seccomp
        import view

        self.linux, self.view = linux, view
        self.paths = view.readable(self.policy, HERE)
        devices = view.devices(self.policy)
        # Links lead to where they point, so that each place is named once.
        etc = ("/etc",) if self.walled else ()
        allowed = view.pruned({os.path.realpath(path) for path in (*self.paths, *view.files(self.policy), *etc) if os.path.exists(path)})
        if "seccomp" in self.on:
            rights = (linux.MACHINE, self.walled, self.connects())
            self.filters = {
                loopback: linux.Filter(seccomp.program(*rights, families=families))
                for loopback, families in ((False, seccomp.UNIX), (True, seccomp.LOOPBACK))
            }
        if self.walled:
            self.apply_namespaces(view)
        else:
            linux.prctl(linux.CHILD_SUBREAPER, 1)
            linux.bound_capabilities()
        if "landlock" in self.on:
            self.landlock = linux.landlock_version(), linux.opened(allowed), linux.opened(devices)

    def connects(self):
        """Whether a job may connect Unix sockets: not where it shares the host's file system and somebody listens there."""
        return self.walled or not listening_sockets()

    def apply_namespaces(self, view):
        linux, privileged = self.linux, os.getuid() == 0
        if privileged:
            # While this is still root: the interpreter may lie where nobody else may look.
            linux.unshare("ns")
            view.build(self.base, self.paths, self.policy)
            linux.pivot(self.base)
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)  # limits on processes never bind the real root
            linux.prctl(linux.DUMPABLE, 1)
        user, group = os.getuid(), os.getgid()
        linux.unshare(*NAMESPACES)
        linux.map_ids(user, group)
        pid = os.fork()
        if pid:
            leftovers.leave_with(pid)
        linux.prctl(linux.PDEATHSIG, signal.SIGKILL)
        if not privileged:
            view.build(self.base, self.paths, self.policy)
            linux.pivot(self.base)
        linux.make_private()
        linux.mount_attributes("/", set_=linux.MS_RDONLY | linux.MS_NOSUID, recursive=True)
        linux.proc()
        linux.tmpfs(view.SCRATCH, 64, 4096)
        linux.tmpfs("/dev/shm", 64, 4096)
        self.base = view.SCRATCH
        self.own = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
        os.chdir(self.base)
        os.environ.update(HOME=self.base, TMPDIR=self.base)

    # One job ---------------------------------------------------------------------------------------------------------

    def new_scratch(self):
        if self.walled:
            return self.base
        self.count += 1
        path = os.path.join(self.base, f"job-{self.count}")
        os.mkdir(path, 0o700)
        return path

    def remove_scratch(self, path):
        if not self.walled:
            leftovers.remove(path)

    def fork(self):
        """Fork; with namespaces the child is the first of its own processes, whose end is the end of all of them."""
        if not self.walled:
            return os.fork()
        self.linux.setns(self.own, "pid")
        self.linux.unshare("pid")
        pid = os.fork()
        if pid:
            self.linux.setns(self.own, "pid")
        return pid

    def enter(self, scratch, plan, loopback=False):
        """In the job process, before its job is known. `loopback`: with a network of its own that reaches nothing but itself."""
        if loopback:
            self.linux.unshare("net")
            self.linux.loopback_up()
            os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        if not self.walled:
            live_in(scratch)
        for part in plan:
            part()

    def plan(self, scratch, loopback=False):
        """What `enter` will have to do, written down before the fork. It is the same for all jobs that have the same folder."""
        if (scratch, loopback) not in self.plans:
            if not self.walled:
                self.plans.clear()  # each job has a folder of its own
            self.plans[scratch, loopback] = self.steps(scratch, loopback)
        return self.plans[scratch, loopback]

    def steps(self, scratch, loopback):
        if sys.platform != "linux" or self.linux.MACHINE is None:
            return [lambda: os.chdir(scratch), *(partial(limits.set_limit, *limit) for limit in limits.always(self.policy))]
        with self.linux.later() as first:
            self.linux.prctl(self.linux.PDEATHSIG, signal.SIGKILL)
            if self.walled:
                self.own_mounts(scratch)
        with self.linux.later() as second:
            if self.walled:
                self.own_users()
            self.confine(scratch, loopback)
        return [partial(self.linux.make, first), *self.own_tmp(), partial(self.linux.make, second)]

    def own_mounts(self, scratch):
        linux, policy = self.linux, self.policy
        linux.unshare("ns", "ipc", "uts")
        linux.tmpfs(scratch, policy["disk_mb"], 16384)
        linux.tmpfs("/dev/shm", policy["shm_mb"], 4096)
        if not self.view.kept(self.paths):
            linux.mount(scratch, "/tmp", None, linux.MS_BIND)

    def own_tmp(self):
        """Where the interpreter lies under /tmp, there is more to do than calls written down can."""
        if self.walled and self.view.kept(self.paths):
            return [partial(self.view.own_tmp, self.paths, self.policy["disk_mb"])]
        return []

    def own_users(self):
        self.linux.proc()
        self.linux.unshare("user")  # processes are counted per user namespace
        self.linux.map_ids(1000, 1000)

    def confine(self, scratch, loopback):
        linux = self.linux
        linux.chdir(scratch)
        for number, value in limits.always(self.policy):
            linux.limit(number, value)
        linux.write_file("/proc/self/oom_score_adj", "1000")  # should the machine run out of memory, this goes first
        linux.drop_capabilities()
        linux.prctl(linux.NO_NEW_PRIVS, 1)
        if "landlock" in self.on:
            version, readable, devices = self.landlock
            own = [(path, None) for path in (scratch, "/dev/shm", *(["/tmp"] if self.walled else []))]
            linux.landlock(version, [*readable, ("/proc", None)], own, devices, tcp=loopback)
        if "seccomp" in self.on:
            self.filters[loopback].apply()


def listening_sockets():
    """Paths of Unix sockets of this machine that this user may write to: what a snippet could talk to."""
    try:
        with open("/proc/net/unix") as file:
            rows = [line.split() for line in file.read().splitlines()[1:]]
    except OSError:
        return []
    paths = {row[7] for row in rows if len(row) > 7 and row[7].startswith("/")}
    return sorted(path for path in paths if os.path.exists(path) and os.access(path, os.W_OK))


def live_in(folder):
    """Have home and temporary files in a folder."""
    os.environ.update(HOME=folder, TMPDIR=folder)
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None  # what was loaded before may have asked, and the answer was kept


def has_card():
    import view

    return bool(view.cards())
