"""The fork server: confines itself, imports what is dear once (or is forked from a process that has), then forks one confined process per job.

Runs in the target interpreter, started by path with a clean environment and one socket. It never runs a line of a snippet itself.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
import time
import traceback

if sys.version_info < (3, 9):  # noqa: UP036 - before the imports below, which an older one cannot even read
    sys.exit("Python {}.{} is too old: the sandbox needs 3.9 or later".format(*sys.version_info[:2]))

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [HERE, *(entry for entry in sys.path if entry not in ("", HERE))]

import confine  # noqa: E402
import job as jobs  # noqa: E402
import leftovers  # noqa: E402
import limits  # noqa: E402
import template  # noqa: E402
import warm  # noqa: E402

WATCH_SECONDS = 0.1
LOOK_SECONDS = 0.01  # between looks for the end of a job, where the system cannot be asked to tell
WATCH_SHARE = 4  # the looks at a job's processes take no more than a fifth of the time, however many they are
COLLAPSE_AFTER = 30  # jobs after which huge pages pay for the second it takes to make them


class Gone(Exception):  # noqa: N818
    """The parent has closed the socket."""


class Zygote:
    def __init__(self, control, start):
        self.control = control
        self.mirror = socket.socketpair()
        self.policy, self.scratch = start["policy"], start["scratch"]
        self.alone = "loaded" not in start  # what it has loaded is shared with nobody
        self.box = confine.Box(self.policy, self.scratch)
        self.spare = None
        self.served = 0

    # The socket ------------------------------------------------------------------------------------------------------

    def receive(self, channel):
        """One message, as JSON."""
        return json.loads(self.frame(channel))

    def frame(self, channel):
        body = jobs.frame(channel)
        if body is None:
            raise Gone
        return body

    def send(self, message, descriptors=()):
        data = jobs.framed(json.dumps(message).encode())
        try:
            if descriptors:
                data = data[socket.send_fds(self.control, [data], descriptors) :]
            self.control.sendall(data)
        except OSError as error:
            raise Gone from error

    def rehearse(self):
        """Take a message, as the next will be: after a fork each page written to is copied first, and nobody waits now."""
        self.mirror[0].sendall(jobs.framed(jobs.SAMPLE))
        self.receive(self.mirror[1])

    # The loop --------------------------------------------------------------------------------------------------------

    def serve(self):
        self.box.seal()
        self.ready = jobs.Ready()
        self.executor = jobs.load_executor(self.policy["executor"])
        warm.load(self.policy["preload"])
        torch = sys.modules.get("torch")
        if self.policy["device"] == "cuda" and torch and not torch.backends.cuda.is_built():
            raise confine.Refused(
                f"torch {torch.__version__} here is built without CUDA", "--device cpu, or --python with a torch that has CUDA"
            )
        self.send(self.hello())
        self.fork_ahead()
        while True:
            message = self.receive(self.control)
            if message["op"] == "environment":
                self.send(warm.environment())
            elif message["op"] == "run":
                self.run(message, self.frame(self.control))
            # "signal" and "kill" that come after the end of their job are late, and meant for nobody.

    def hello(self):
        torch = sys.modules.get("torch")
        return {
            "mode": self.box.mode,
            "layers": self.box.layers,
            "python": ".".join(map(str, sys.version_info[:3])),
            "torch": str(torch.__version__) if torch else warm.version("torch"),
        }

    def fork_ahead(self):
        if self.policy["ahead"] and self.spare is None:
            self.spare = jobs.Process(self, ahead=True)
            self.rehearse()

    def unready(self):
        """What was made ready for a next job, the process that waits and the limit on memory, knows nothing of what has been loaded since."""
        if self.spare:
            self.spare.discard()
            self.spare = None
        if self.box.group:
            self.box.group.ready = None

    def run(self, message, job):
        if warm.load(message["hints"]):
            self.unready()
        if message["loopback"] and self.box.walled:
            process = jobs.Process(self, loopback=True)  # the one that waits has no network at all
        else:
            process, self.spare = self.spare or jobs.Process(self), None
        began = time.monotonic()
        process.begin(message, job)
        self.send({"started": True}, process.reads)
        process.hand_over()
        self.served += 1
        self.fork_ahead()
        reason, detail = self.watch(process, limits.memory_mb(message, self.policy))
        status, usage, starved = process.bury(self.spare)
        if starved and not reason:
            reason, detail = "out-of-memory", f"its processes together needed more than the {message['memory_mb']} MB allowed"
        self.send(
            {
                "ended": {
                    "status": status,
                    "reason": reason,
                    "detail": detail,
                    "wall": time.monotonic() - began,
                    "cpu": usage.ru_utime + usage.ru_stime,
                    "peak_mb": process.peak_mb(usage),
                }
            }
        )
        if self.served == COLLAPSE_AFTER and self.alone:
            self.unready()  # the kernel refuses pages that another process is about to let go of
            warm.collapse()
            self.fork_ahead()
        if self.box.group:
            self.box.group.prepare(limits.memory_mb(message, self.policy))  # the next will hardly ask for another

    def watch(self, process, memory_mb):
        """Wait for the end of the job while obeying the parent; gives the reason when this loop ended it."""
        reason = detail = ""
        pause = WATCH_SECONDS
        due = time.monotonic() + pause
        while not process.ended():
            ready, _, _ = select.select([self.control, *process.end], [], [], pause if process.end else min(pause, LOOK_SECONDS))
            if self.control in ready:
                order = self.receive(self.control)
                process.signal(signal.SIGKILL if order["op"] == "kill" else signal.SIGUSR1)
            elif not ready and time.monotonic() >= due:
                began = time.process_time()
                excess = limits.excess(self.box, process, self.spare.pid if self.spare else 0, memory_mb)
                if excess:
                    reason, detail = excess
                    process.signal(signal.SIGKILL)
                pause = max(WATCH_SECONDS, WATCH_SHARE * (time.process_time() - began))
                due = time.monotonic() + pause
        return reason, detail


def main():
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    zygote = None
    try:
        start = json.loads(jobs.frame(control) or b"{}")
        if "preload" in start:
            control, start = template.wait(control, start)
        if not start:
            raise Gone
        zygote = Zygote(control, start)
        zygote.serve()
    except Gone:
        pass
    except confine.Refused as refusal:
        control.sendall(jobs.framed(json.dumps({"refused": refusal.args[0], "hint": refusal.args[1]}).encode()))
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    finally:
        if zygote is not None:
            leftovers.sweep_children(set())
    os._exit(0)


if __name__ == "__main__":
    gc.disable()  # what is imported stays; collected and frozen once in warm.load
    main()
