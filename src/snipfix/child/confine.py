"""Confinement of the fork server and of every job process, layer by layer, with what works on this machine found by trying."""

import math
import os
import resource
import shutil
import signal
import sys
import time

import tally

HERE = os.path.dirname(os.path.abspath(__file__))
MB = 1 << 20
NOBODY = 65534
CUDA_MB = 3072  # what the driver and its libraries take in a process before a snippet has asked for anything
CROWDED_SECONDS = 1.0  # that a job may have all the processes it can: longer, and it is a bomb that would only go on
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
    """What confines jobs here: decided once in `seal`, applied to each process in `enter` and `limit`."""

    def __init__(self, policy, scratch):
        self.policy, self.base = policy, scratch
        self.on, self.why = set(), {}
        self.count = 0
        self.group, self.no_group = None, ""

    # Deciding --------------------------------------------------------------------------------------------------------

    @property
    def mode(self):
        for name in ("full", "nons", "nsonly"):
            if self.on.issuperset(LAYERS[name]):
                return name
        return "process"

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
                    trial.enter(trial.base)
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
        """Confine the fork server itself, before anything heavy is imported."""
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
                leave_with(pid, group.remove)
            linux.prctl(linux.PDEATHSIG, signal.SIGKILL)
            group.join()
            self.group = group
        except OSError as error:
            self.no_group = error.strerror or str(error)

    def apply(self):
        if sys.platform != "linux":
            return
        import linux
        import seccomp
        import view

        self.linux = linux
        self.paths = view.readable(self.policy, HERE)
        self.devices = view.devices(self.policy)
        # Links lead to where they point, so that each place is named once.
        etc = ("/etc",) if "namespaces" in self.on else ()
        self.allowed = view.pruned(
            {os.path.realpath(path) for path in (*self.paths, *view.files(self.policy), *etc, "/proc") if os.path.exists(path)}
        )
        if "seccomp" in self.on:
            rights = (linux.MACHINE, "namespaces" in self.on, self.connects())
            self.filters = {False: seccomp.program(*rights), True: seccomp.program(*rights, families=seccomp.LOOPBACK)}
        if "namespaces" in self.on:
            self.apply_namespaces(view)
        else:
            linux.prctl(linux.CHILD_SUBREAPER, 1)
            linux.bound_capabilities()

    def connects(self):
        """Whether a job may connect Unix sockets: not where it shares the host's file system and somebody listens there."""
        return "namespaces" in self.on or not listening_sockets()

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
            leave_with(pid)
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
        if "namespaces" in self.on:
            return self.base
        self.count += 1
        path = os.path.join(self.base, f"job-{self.count}")
        os.mkdir(path, 0o700)
        return path

    def remove_scratch(self, path):
        if "namespaces" not in self.on:
            remove(path)

    def fork(self):
        """Fork; with namespaces the child is the first of its own processes, whose end is the end of all of them."""
        if "namespaces" not in self.on:
            return os.fork()
        self.linux.setns(self.own, "pid")
        self.linux.unshare("pid")
        pid = os.fork()
        if pid:
            self.linux.setns(self.own, "pid")
        return pid

    def enter(self, scratch, loopback=False):
        """In the job process, before its job is known. `loopback`: with a network of its own that reaches nothing but itself."""
        if sys.platform == "linux":
            self.linux.prctl(self.linux.PDEATHSIG, signal.SIGKILL)
        if "namespaces" in self.on:
            self.enter_namespaces(scratch, loopback)
        os.chdir(scratch)
        os.environ.update(HOME=scratch, TMPDIR=scratch)
        if "tempfile" in sys.modules:
            sys.modules["tempfile"].tempdir = None  # what was loaded before may have asked, and the answer was kept
        self.limit_always()
        if sys.platform != "linux":
            return
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("1000")  # should the machine run out of memory, this goes first
        self.linux.drop_capabilities()
        self.linux.prctl(self.linux.NO_NEW_PRIVS, 1)
        if "landlock" in self.on:
            self.linux.landlock(
                self.allowed, [scratch, "/dev/shm", *(["/tmp"] if "namespaces" in self.on else [])], self.devices, tcp=loopback
            )
        if "seccomp" in self.on:
            self.linux.seccomp(self.filters[loopback])

    def enter_namespaces(self, scratch, loopback):
        linux, policy = self.linux, self.policy
        linux.unshare("ns", "ipc", "uts", *(["net"] if loopback else []))
        if loopback:
            linux.loopback_up()
            os.environ["GLOO_SOCKET_IFNAME"] = "lo"
        linux.tmpfs(scratch, policy["disk_mb"], 16384)
        linux.tmpfs("/dev/shm", policy["shm_mb"], 4096)
        import view

        if view.kept(self.paths):
            view.own_tmp(self.paths, policy["disk_mb"])
        else:
            linux.mount(scratch, "/tmp", None, linux.MS_BIND)
        linux.proc()
        linux.unshare("user")  # processes are counted per user namespace
        linux.map_ids(1000, 1000)

    def limit_always(self):
        policy = self.policy
        limits = {
            "CORE": 0,
            "FSIZE": policy["file_mb"] * MB,
            "NOFILE": policy["files"],
            "NPROC": policy["processes"],
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "SIGPENDING": 256,
        }
        for name, value in limits.items():
            set_limit(name, value)

    def limit(self, job):
        """In the job process, once its job is known."""
        seconds = int(job["timeout"] * max(2, self.policy["threads"])) + 5
        set_limit("CPU", min(seconds, math.ceil(job["processor"])) if job.get("processor") else seconds)
        if sys.platform == "linux":
            addresses, data = tally.sizes()
            if self.policy["device"] == "cpu":
                set_limit("AS", addresses + self.memory_mb(job) * MB)
            else:  # CUDA reserves far more addresses than it uses
                set_limit("DATA", data + self.memory_mb(job) * MB)

    def memory_mb(self, job):
        """What a job's processes may hold together in the machine's own memory."""
        return job["memory_mb"] + (CUDA_MB if self.policy["device"] == "cuda" else 0)

    def excess(self, process, spare, memory_mb):
        """(outcome kind, detail) when the job's processes together use more than they may, else None."""
        if "namespaces" in self.on:
            pids = tally.all_but({spare})
        else:
            pids = tally.descendants({process.pid} | tally.own_children() - {spare})
            if tally.disk_mb(process.scratch) > self.policy["disk_mb"]:
                return "output-flood", f"wrote more than {self.policy['disk_mb']} MB of files"
        if len(pids) >= self.policy["processes"] - 1:
            process.crowded = process.crowded or time.monotonic()
            if time.monotonic() - process.crowded > CROWDED_SECONDS:
                return "out-of-memory", f"kept as many processes as it may have, {len(pids)}"
            return None  # to weigh so many would take longer than this second
        process.crowded = None
        if self.group:  # the kernel does the weighing
            return (
                ("out-of-memory", f"its processes together needed more than the {memory_mb} MB allowed") if self.group.starved() else None
            )
        used = tally.memory_mb(pids, memory_mb)
        if used > memory_mb:
            return "out-of-memory", f"its {len(pids)} processes together held {used} MB, more than the {memory_mb} MB allowed"
        return None

    def sweep(self, pid, spare):
        """End what the job left behind; with namespaces the kernel has done it."""
        if "namespaces" in self.on:
            return
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass
        sweep_children({spare})


def leave_with(pid, last=lambda: None):
    """The outer half of the fork server: holds nothing, ends when the inner half does, after a last deed."""
    os.closerange(3, 1024)
    while True:
        try:
            status = os.waitpid(pid, 0)[1]
            last()
            os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1)
        except InterruptedError:
            continue


def listening_sockets():
    """Paths of Unix sockets of this machine that this user may write to: what a snippet could talk to."""
    try:
        with open("/proc/net/unix") as file:
            rows = [line.split() for line in file.read().splitlines()[1:]]
    except OSError:
        return []
    paths = {row[7] for row in rows if len(row) > 7 and row[7].startswith("/")}
    return sorted(path for path in paths if os.path.exists(path) and os.access(path, os.W_OK))


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


def has_card():
    import view

    return bool(view.cards())


def remove(path):
    """Remove a folder that a job has left, whatever permissions it gave; its processes have ended, nobody races."""

    def open_up(function, name, _):
        try:
            os.chmod(os.path.dirname(name), 0o700)
            if not os.path.islink(name):
                os.chmod(name, 0o700)
            function(name)
        except OSError:
            pass

    shutil.rmtree(path, onerror=open_up)
    shutil.rmtree(path, ignore_errors=True)


def sweep_children(spared):
    """Kill and reap the children of this process, those that orphans have become too, except the spared."""
    for _ in range(200):
        children = tally.own_children() - spared
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
