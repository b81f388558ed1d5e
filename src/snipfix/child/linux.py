"""Linux calls that Python's standard library lacks, by ctypes alone: namespaces, mounts, capabilities, limits, Landlock, seccomp.

Each raises OSError naming the call that failed. What goes by `call` alone can be written down for later: see `calls`.
"""

import ctypes
import fcntl
import os
import socket
import struct

from calls import MACHINE, call, later, make  # noqa: F401 - part of this room

CLONE = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PDEATHSIG, DUMPABLE, CAPBSET_DROP, CHILD_SUBREAPER, NO_NEW_PRIVS = 1, 4, 24, 36, 38
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
MADV_COLLAPSE, HUGE = 25, 2 << 20

AT_FDCWD, RULE = -100, 99  # where a path begins; the descriptor that a Landlock rule of a job names

libc = ctypes.CDLL(None, use_errno=True)


def prctl(option, value):
    call("prctl", option, value)


def unshare(*names):
    call("unshare", sum(CLONE[name] for name in names))


def setns(descriptor, name):
    call("setns", descriptor, CLONE[name])


def write_file(path, text):
    """Into a file that is there."""
    descriptor = call("openat", AT_FDCWD, path, os.O_WRONLY | os.O_CLOEXEC)
    call("write", descriptor, text, len(text))
    call("close", descriptor)


def map_ids(outer_user, outer_group, inner=1000):
    """Give a fresh user namespace one user and one group, which outside are the given ones."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inner} {outer_user} 1"), ("gid_map", f"{inner} {outer_group} 1")):
        write_file("/proc/self/" + name, text)


# Mounts ---------------------------------------------------------------------------------------------------------------


def mount(source, target, kind=None, flags=0, data=None):
    call("mount", source, target, kind, flags, data)


def tmpfs(target, megabytes, inodes, mode="1777"):
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"size={megabytes}m,nr_inodes={inodes},mode={mode}")


def proc(target="/proc"):
    mount("proc", target, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)


def make_private():
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def bind(source, target):
    mount(source, target, None, MS_BIND | MS_REC)


def pivot(root, old="old"):
    """Make `root` the root folder and let go of the old one; root/old must exist and is removed."""
    os.chdir(root)
    call("pivot_root", ".", old)
    os.chdir("/")
    call("umount2", old, MNT_DETACH)
    os.rmdir(old)


def mount_attributes(path, set_=0, clear=0, recursive=False):
    attributes = struct.pack("QQQQ", set_, clear, 0, 0)
    flags = 0x8000 if recursive else 0
    call("mount_setattr", AT_FDCWD, path, flags, attributes, len(attributes))


def loopback_up():
    """Let this network namespace's own loopback interface carry data."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as carrier:
        fcntl.ioctl(carrier, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


# Privileges -----------------------------------------------------------------------------------------------------------


def bound_capabilities():
    """Let no program started from here gain capabilities, where this process may still say so."""
    for capability in range(64):
        try:
            prctl(CAPBSET_DROP, capability)
        except OSError:
            break


def drop_capabilities():
    """All of them; with no_new_privs for good."""
    call("capset", struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0] * 6))


def limit(number, value):
    """A resource limit of this process, soft and hard; one that is refused is left as it was."""
    call("prlimit64", 0, number, struct.pack("QQ", value, value), None, excused=True)


def chdir(path):
    call("chdir", path)


# Landlock -------------------------------------------------------------------------------------------------------------

_EXECUTE, _WRITE, _READ, _READ_DIR, _REFER, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14, 1 << 15
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_ON_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL


def landlock_version():
    """The Landlock ABI of this kernel, 0 without."""
    try:
        return call("landlock_create_ruleset", None, 0, 1)
    except OSError:
        return 0


def opened(paths):
    """(path, descriptor) of those that are there, for `landlock`: looked up once, and not by every job."""
    found = []
    for path in paths:
        try:
            found.append((path, os.open(path, os.O_PATH | os.O_CLOEXEC)))
        except OSError:
            continue
    return found


def landlock(version, readable, writable, devices, tcp=False):
    """Confine this process and its children to these places; no TCP unless asked, no signals and no abstract sockets to the outside where the ABI can.

    A place is a (path, descriptor) as `opened` gives it, or (path, None) where what lies there will be another by then.
    """
    if not version:
        raise OSError(38, "landlock: not in this kernel")
    known = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        known |= right if version >= since else 0
    attributes = struct.pack("QQQ", known, 3 if version >= 4 and not tcp else 0, 3 if version >= 6 else 0)
    attributes = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    everything = known & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL)
    ruleset = call("landlock_create_ruleset", attributes, len(attributes), 0)
    for places, rights in ((readable, _EXECUTE | _READ | _READ_DIR), (writable, everything), (devices, _READ | _WRITE | _IOCTL)):
        for path, descriptor in places:
            _allow(ruleset, path, descriptor, rights & known)
    call("landlock_restrict_self", ruleset, 0)
    call("close", ruleset)


def _allow(ruleset, path, descriptor, rights):
    if descriptor is None:
        found = call("openat", AT_FDCWD, path, os.O_PATH | os.O_CLOEXEC)
        call("dup3", found, RULE, os.O_CLOEXEC)
        call("close", found)
        descriptor = RULE
    rights &= -1 if os.path.isdir(path) else _ON_FILE
    call("landlock_add_rule", ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)


# seccomp --------------------------------------------------------------------------------------------------------------


class Filter:
    """A BPF program where the kernel can read it; stays there as long as this object."""

    class Header(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]

    def __init__(self, program):
        self.program = ctypes.create_string_buffer(program, len(program))
        self.header = self.Header(len(program) // 8, ctypes.addressof(self.program))

    def apply(self):
        """Put it over this process and its children."""
        call("seccomp", 1, 0, ctypes.addressof(self.header))


# Memory ---------------------------------------------------------------------------------------------------------------


def collapse_heap():
    """Ask for huge pages under every private writable mapping without a file."""
    with open("/proc/self/maps") as file:
        lines = file.read().splitlines()
    for line in lines:
        fields = line.split()
        if "w" not in fields[1] or "p" not in fields[1] or (len(fields) > 5 and fields[5] != "[heap]"):
            continue
        start, end = (int(text, 16) for text in fields[0].split("-"))
        start = -(-start // HUGE) * HUGE
        while start + HUGE <= end:
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(HUGE), MADV_COLLAPSE)
            start += HUGE
