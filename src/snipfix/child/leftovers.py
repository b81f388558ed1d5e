"""What a job or a fork server leaves behind: processes to end, folders to remove."""

import os
import shutil
import signal

import tally


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


def sweep(pid, spare):
    """End what the job of a process left behind, all but the process that waits for the next."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except OSError:
        pass
    sweep_children({spare})


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
