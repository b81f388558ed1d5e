"""One forked process: made confined ahead of its job, given the job over a socket, ended with everything it started."""

import contextlib
import faulthandler
import importlib
import importlib.util
import io
import json
import math
import os
import signal
import socket
import struct
import sys
import traceback

import confine
import leftovers
import limits
import tally

STDOUT, STDERR = 1, 2
ROOMS = ("world", "probes", "exercise")
RESULT, TRACE, CHANNEL = 100, 101, 102  # up here they are out of the way of a snippet that closes or reuses low ones
PIPES = (STDOUT, STDERR, RESULT, TRACE)
SAMPLE = b'{"name": "sample", "code": "", "before": [], "timeout": 0.5, "seed": 1, "again": null}'  # a message like a job, to rehearse with
FAILED, LOST = 213, 214  # exit status when the harness failed before the snippet could start, or after


def load_executor(path):
    """The module whose run(job, send) does the work, with its folder in front of the path while it loads its siblings."""
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location("execute", path)
        module = importlib.util.module_from_spec(spec)
        sys.modules["execute"] = module
        spec.loader.exec_module(module)
        for room in ROOMS:  # what the executor imports as it goes: here once rather than in every job
            if importlib.util.find_spec(room) and not os.path.relpath(importlib.util.find_spec(room).origin, folder).startswith(".."):
                prepare_room = getattr(importlib.import_module(room), "prepare", None)
                if prepare_room:
                    prepare_room()
    finally:
        sys.path[:] = [entry for entry in sys.path if entry not in (folder, confine.HERE)]
        sys.path.append(folder)  # for imports inside functions; last, so that nothing of ours hides what a snippet means
    return module


class Process:
    """The parent's handle of a forked job process."""

    def __init__(self, zygote, loopback=False, ahead=False):
        self.box = zygote.box
        self.status = self.usage = None
        self.crowded = None  # since when it has had all the processes it may
        ours, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in PIPES]
        self.scratch = self.box.new_scratch()
        plan = self.box.plan(self.scratch, loopback)
        self.pid = self.box.fork()
        if self.pid == 0:
            child_main(zygote, ours, theirs, [write for _, write in pipes], self.scratch, plan, loopback, ahead)
        theirs.close()
        for _, write in pipes:
            os.close(write)
        self.reads = [read for read, _ in pipes]  # what the job says, for the parent
        self.channel = ours
        self.end = ends(self.pid)
        self.sizes = tally.sizes()
        if ahead:
            self.tell(SAMPLE)

    def begin(self, bounds, job):
        """Bound it and hand it the job, whose bytes are none of the fork server's business."""
        if self.box.group:
            self.box.group.limit(limits.memory_mb(bounds, self.box.policy))
        if limits.FROM_OUTSIDE and not self.ended():
            limits.of_job(bounds, self.box.policy, self.sizes, self.pid)
        self.tell(job)
        self.channel.close()

    def tell(self, body):
        try:
            self.channel.sendall(framed(body))
        except OSError:
            pass  # it is already dead; its status says more

    def ended(self):
        if self.status is None:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.status, self.usage = status, usage
        return self.status is not None

    def signal(self, number):
        if not self.ended():
            if number == signal.SIGUSR1:
                os.kill(self.pid, signal.SIGUSR2)  # the place in C terms first: it needs no cooperation
            os.kill(self.pid, number)

    def forget(self):
        """Let go of its descriptors."""
        self.channel.close()
        self.hand_over()
        while self.end:
            os.close(self.end.pop())

    def hand_over(self):
        """The parent has the ends of its pipes now."""
        while self.reads:
            os.close(self.reads.pop())

    def bury(self, spare):
        """End what the job left behind and remove its folder; gives wait status, usage and whether it ended for want of memory."""
        self.forget()
        if not self.box.walled:
            leftovers.sweep(self.pid, spare.pid if spare else 0)
        self.box.remove_scratch(self.scratch)
        starved = self.box.group is not None and os.WIFSIGNALED(self.status) and self.box.group.starved()
        return self.status, self.usage, starved

    def peak_mb(self, usage):
        scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return usage.ru_maxrss / scale

    def discard(self):
        """End a process that never got a job."""
        self.forget()
        os.kill(self.pid, signal.SIGKILL)
        _, self.status, self.usage = os.wait4(self.pid, 0)
        self.box.remove_scratch(self.scratch)


def ends(pid):
    """A descriptor that can be read when the process has ended, where the system gives such."""
    try:
        return [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        return []


# In the forked process ------------------------------------------------------------------------------------------------


def child_main(zygote, ours, theirs, writes, scratch, plan, loopback, ahead):
    """Everything from the fork to the end; never returns."""
    code, send = FAILED, None
    try:
        for end in (ours, zygote.control):
            end.close()
        os.setsid()
        zygote.box.enter(scratch, plan, loopback)
        zygote.ready.take()
        channel = adopt(writes, theirs)
        send = sender(RESULT)
        if ahead:
            rehearse(json.loads(frame(channel)))
            getattr(zygote.executor, "rehearse", int)()
        body = frame(channel)
        if body is None:
            os._exit(0)
        channel.close()
        task = json.loads(body)
        if task["stdin"]:
            os.dup2(standard_input(task["stdin"]), 0)
        if not limits.FROM_OUTSIDE:
            limits.of_job(task, zygote.policy, tally.sizes())
        if zygote.policy["threads"] > 1 and "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(zygote.policy["threads"])  # safe here: no pool exists yet
        code = LOST
        code = work(zygote.executor, task, send)
    except BaseException as error:
        tell_failure(error, send)
    finally:
        os._exit(code)


def tell_failure(error, send):
    """The sandbox or the executor failed, not the snippet: say so to the parent, or to the log where there is no way yet."""
    try:
        words = "".join(traceback.format_exception(type(error), error, error.__traceback__))[-2000:]
        if send:
            send({"set": {"detail": "the executor failed: " + words}})
        else:
            os.write(STDERR, words.encode("utf-8", "replace"))
    except BaseException:
        pass


class Ready:
    """What every job process needs of Python, made once by the fork server: a process just forked pays for each page that it touches."""

    def __init__(self):
        faulthandler.register(signal.SIGUSR2, file=TRACE, all_threads=False)
        self.stdin = io.TextIOWrapper(open(0, "rb", closefd=False), encoding="utf-8")  # noqa: SIM115
        self.streams = {}
        with on_pipes(STDOUT, STDERR):  # as they will be: a stream asks once whether it can seek
            for number, name in ((STDOUT, "stdout"), (STDERR, "stderr")):
                raw = open(number, "wb", closefd=False)  # noqa: SIM115
                self.streams[name] = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def take(self):
        """In the job process: its standard streams are its own."""
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        sys.stdin = self.stdin
        for name, stream in self.streams.items():
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


@contextlib.contextmanager
def on_pipes(*numbers):
    """For a moment these descriptors are the ends of a pipe."""
    read, write = os.pipe()
    kept = {number: os.dup(number) for number in numbers}
    try:
        for number in numbers:
            os.dup2(write, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(read)
        os.close(write)


def rehearse(message):
    """A little of what every job will do, in a process that has time: the pages that it takes are its own already when the job comes."""
    exec(compile("class C:\n def f(self, x=1):\n  return [x]\nC().f()", "rehearsal", "exec"), {})
    with open("rehearsal", "w+", encoding="utf-8") as file:
        file.write(message["name"])
    os.unlink("rehearsal")


def framed(body):
    """A message as it goes over a socket: four bytes of length, then itself."""
    return struct.pack(">I", len(body)) + body


def frame(channel):
    """The next message on a socket, or None where it ends before."""
    head = exactly(channel, 4)
    return head and exactly(channel, struct.unpack(">I", head)[0])


def exactly(channel, size):
    """So many bytes, or None."""
    data = bytearray()
    while len(data) < size:
        part = channel.recv(min(1 << 20, size - len(data)))
        if not part:
            return None
        data += part
    return data


def adopt(writes, channel):
    """Put the pipes' ends and the channel in their places and close every other descriptor; gives the channel."""
    for source, target in zip((*writes, channel.fileno()), (*PIPES, CHANNEL)):  # noqa: B905 - the target interpreter may be 3.9
        os.dup2(source, target, inheritable=target <= STDERR)
    channel.close()
    os.closerange(STDERR + 1, RESULT)
    os.closerange(CHANNEL + 1, 4096)
    return socket.socket(fileno=CHANNEL)


def standard_input(text):
    """A descriptor that gives the text and then ends."""
    path = "stdin"
    with open(path, "wb") as file:
        file.write(text.encode("utf-8", "replace"))
    descriptor = os.open(path, os.O_RDONLY)
    os.unlink(path)
    return descriptor


def sender(descriptor):
    """send(message): write one JSON line to the parent. Bound to what it needs now, whatever a snippet patches later."""
    encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
    write, getpid, fstat, owner = os.write, os.getpid, os.fstat, os.getpid()
    mark = fstat(descriptor)[1:3]

    def send(message):
        if getpid() != owner:
            return  # a worker that the snippet forked speaks for nobody
        try:
            text = encode(message)
        except (ValueError, TypeError):
            text = encode(plain(message))
        data = text.encode("utf-8", "replace") + b"\n"
        try:
            if fstat(descriptor)[1:3] != mark:
                return  # the snippet closed it and opened something else in its place
            while data:
                data = data[write(descriptor, data) :]
        except OSError:
            return  # the snippet closed it: the parent judges from what it has

    return send


def plain(value, depth=0):
    """The value as JSON can hold it: non-finite floats become null, odd objects their type's name."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if depth > 64:
        return None
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    return type(value).__name__


def work(executor, task, send):
    """Run the job, then what a normal interpreter does before it leaves. Gives the exit status."""
    executor.run(task, send)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    finish = getattr(sys.modules.get("multiprocessing.util"), "_exit_function", None)
    try:
        if finish:
            finish()
    except Exception:
        pass
    return 0
