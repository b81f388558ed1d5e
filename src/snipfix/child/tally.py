"""What a job's processes use together, seen from the fork server: limits of the kernel hold for each process alone."""

import os


def own_children(pid="self"):
    """Processes whose parent is the given one, whichever of its threads forked them."""
    found = set()
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found.update(int(child) for child in file.read().split())
    except OSError:
        pass  # it has just ended, or this is not Linux
    return found


def descendants(pids):
    """The given processes and all below them."""
    found, edge = set(), set(pids)
    while edge:
        found |= edge
        edge = set().union(*(own_children(pid) for pid in edge)) - found
    return found


def all_but(pids):
    """Every process that this one can see, without itself and the given ones."""
    try:
        seen = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    except OSError:
        return set()
    return seen - {os.getpid(), *pids}


def memory_mb(pids, enough):
    """Megabytes held by the processes. Exact only when a cheap upper bound is past `enough`: exactness costs milliseconds each."""
    bound = sum(_fields(pid, "status", ("RssAnon", "RssShmem")) for pid in pids)
    if bound <= enough:
        return bound
    return sum(_fields(pid, "smaps_rollup", ("Pss_Anon", "Pss_Shmem")) for pid in pids)


def _fields(pid, name, wanted):
    total = 0
    try:
        with open(f"/proc/{pid}/{name}") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key in wanted:
                    total += int(value.split()[0])
    except (OSError, ValueError):
        pass
    return total >> 10


def disk_mb(folder):
    """Megabytes of files below a folder, symbolic links not followed."""
    total, folders = 0, [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total >> 20


def sizes():
    """Bytes of addresses and of data that this process has; zeros where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            fields = file.read().split()
    except OSError:
        return 0, 0
    return int(fields[0]) * os.sysconf("SC_PAGE_SIZE"), int(fields[5]) * os.sysconf("SC_PAGE_SIZE")
