"""How much a job may use: bounds that the kernel keeps for each process, and a look from outside at all of them together."""

import math
import resource
import sys
import time

import tally

MB = 1 << 20
CUDA_MB = 3072  # what the driver and its libraries take in a process before a snippet has asked for anything
CROWDED_SECONDS = 1.0  # that a job may have all the processes it can: longer, and it is a bomb that would only go on


def always(policy):
    """(number, limit) of what holds for every job."""
    limits = {
        "CORE": 0,
        "FSIZE": policy["file_mb"] * MB,
        "NOFILE": policy["files"],
        "NPROC": policy["processes"],
        "MEMLOCK": 0,
        "MSGQUEUE": 0,
        "SIGPENDING": 256,
    }
    return [(number, attainable(number, value)) for name, value in limits.items() if (number := getattr(resource, "RLIMIT_" + name, None))]


def attainable(number, value):
    """The limit as far as one is already bounded."""
    hard = resource.getrlimit(number)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def set_limit(number, value, pid=0):
    """Of this process, or of another that it may bound from outside; one that is refused stays as it was."""
    value = attainable(number, value)
    try:
        if pid:
            resource.prlimit(pid, number, (value, value))
        else:
            resource.setrlimit(number, (value, value))
    except (OSError, ValueError):
        pass


FROM_OUTSIDE = hasattr(resource, "prlimit")
"""Whether the fork server can bound a job process, whose pages it need not touch then; elsewhere the process does it itself."""


def of_job(job, policy, sizes, pid=0):
    """Bound a process, once its job is known; `sizes` are the bytes of addresses and of data that it has before."""
    seconds = int(job["timeout"] * max(2, policy["threads"])) + 5
    limits = [(resource.RLIMIT_CPU, min(seconds, math.ceil(job["processor"])) if job.get("processor") else seconds)]
    if sys.platform == "linux":
        addresses, data = sizes
        if policy["device"] == "cpu":
            limits.append((resource.RLIMIT_AS, addresses + memory_mb(job, policy) * MB))
        else:  # CUDA reserves far more addresses than it uses
            limits.append((resource.RLIMIT_DATA, data + memory_mb(job, policy) * MB))
    for number, value in limits:
        set_limit(number, value, pid)


def memory_mb(job, policy):
    """What a job's processes may hold together in the machine's own memory."""
    return job["memory_mb"] + (CUDA_MB if policy["device"] == "cuda" else 0)


def excess(box, process, spare, allowed):
    """(outcome kind, detail) when the job's processes together use more than they may, else None."""
    policy = box.policy
    if box.walled:
        pids = tally.all_but({spare})
    else:
        pids = tally.descendants({process.pid} | tally.own_children() - {spare})
        if tally.disk_mb(process.scratch) > policy["disk_mb"]:
            return "output-flood", f"wrote more than {policy['disk_mb']} MB of files"
    if len(pids) >= policy["processes"] - 1:
        process.crowded = process.crowded or time.monotonic()
        if time.monotonic() - process.crowded > CROWDED_SECONDS:
            return "out-of-memory", f"kept as many processes as it may have, {len(pids)}"
        return None  # to weigh so many would take longer than this second
    process.crowded = None
    if box.group:  # the kernel does the weighing
        return ("out-of-memory", f"its processes together needed more than the {allowed} MB allowed") if box.group.starved() else None
    used = tally.memory_mb(pids, allowed)
    if used > allowed:
        return "out-of-memory", f"its {len(pids)} processes together held {used} MB, more than the {allowed} MB allowed"
    return None
