"""Linux calls that Python's standard library lacks, by ctypes alone: namespaces, mounts, capabilities, Landlock, seccomp.

Each raises OSError naming the call that failed. Numbers are those of the kernel's headers.
"""

import ctypes
import fcntl
import os
import platform
import socket
import struct

CLONE = {"ns": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000}
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PDEATHSIG, DUMPABLE, CAPBSET_DROP, CHILD_SUBREAPER, NO_NEW_PRIVS = 1, 4, 24, 36, 38
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
MADV_COLLAPSE, HUGE = 25, 2 << 20

# number on x86-64, number on arm64
_NUMBERS = {
    "pivot_root": (155, 41),
    "capset": (126, 91),
    "seccomp": (317, 277),
    "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
}
MACHINE = {"x86_64": 0, "amd64": 0, "aarch64": 1, "arm64": 1}.get(platform.machine().lower())

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _syscall(name, *arguments):
    if MACHINE is None:
        raise OSError(38, f"{name}: no call table for {platform.machine()}")
    return _checked(_libc.syscall(ctypes.c_long(_NUMBERS[name][MACHINE]), *arguments), name)


def _long(value):
    return ctypes.c_ulong(value)


def prctl(option, value):
    _checked(_libc.prctl(option, _long(value), _long(0), _long(0), _long(0)), f"prctl {option}")


def unshare(*names):
    _checked(_libc.unshare(sum(CLONE[name] for name in names)), "unshare " + "+".join(names))


def setns(descriptor, name):
    _checked(_libc.setns(descriptor, CLONE[name]), "setns " + name)


def map_ids(outer_user, outer_group, inner=1000):
    """Give a fresh user namespace one user and one group, which outside are the given ones."""
    for name, text in (("setgroups", "deny"), ("uid_map", f"{inner} {outer_user} 1"), ("gid_map", f"{inner} {outer_group} 1")):
        descriptor = os.open("/proc/self/" + name, os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)


# Mounts ---------------------------------------------------------------------------------------------------------------


def mount(source, target, kind=None, flags=0, data=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    _checked(_libc.mount(*encoded[:3], _long(flags), encoded[3]), f"mount {kind or source} on {target}")


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
    _syscall("pivot_root", b".", old.encode())
    os.chdir("/")
    _checked(_libc.umount2(old.encode(), MNT_DETACH), "umount2")
    os.rmdir(old)


def mount_attributes(path, set_=0, clear=0, recursive=False):
    attributes = struct.pack("QQQQ", set_, clear, 0, 0)
    flags = 0x8000 if recursive else 0
    _syscall("mount_setattr", ctypes.c_int(-100), path.encode(), ctypes.c_uint(flags), attributes, _long(len(attributes)))


def loopback_up():
    """Let this network namespace's own loopback interface carry data."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as carrier:
        fcntl.ioctl(carrier, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", IFF_UP))


# Privileges -----------------------------------------------------------------------------------------------------------


def bound_capabilities():
    """Let no program started from here gain capabilities, where this process may still say so."""
    for capability in range(64):
        if _libc.prctl(CAPBSET_DROP, _long(capability), _long(0), _long(0), _long(0)) < 0:
            break


def drop_capabilities():
    """All of them; with no_new_privs for good."""
    _syscall("capset", struct.pack("Ii", 0x20080522, 0), struct.pack("6I", *[0] * 6))


# Landlock -------------------------------------------------------------------------------------------------------------

_EXECUTE, _WRITE, _READ, _READ_DIR, _REFER, _TRUNCATE, _IOCTL = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 13, 1 << 14, 1 << 15
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_ON_FILE = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL


def landlock_version():
    """The Landlock ABI of this kernel, 0 without."""
    if MACHINE is None:
        return 0
    return max(0, _libc.syscall(ctypes.c_long(_NUMBERS["landlock_create_ruleset"][MACHINE]), None, _long(0), ctypes.c_uint(1)))


def landlock(readable, writable, devices, tcp=False):
    """Confine this process and its children to these paths; no TCP unless asked, no signals and no abstract sockets to the outside where the ABI can."""
    version = landlock_version()
    if not version:
        raise OSError(38, "landlock: not in this kernel")
    known = (1 << 13) - 1
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL)):
        known |= right if version >= since else 0
    attributes = struct.pack("QQQ", known, 3 if version >= 4 and not tcp else 0, 3 if version >= 6 else 0)
    attributes = attributes[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _syscall("landlock_create_ruleset", attributes, _long(len(attributes)), ctypes.c_uint(0))
    everything = known & ~(_MAKE_CHAR | _MAKE_BLOCK | _IOCTL)
    try:
        for paths, rights in ((readable, _EXECUTE | _READ | _READ_DIR), (writable, everything), (devices, _READ | _WRITE | _IOCTL)):
            for path in paths:
                _allow(ruleset, path, rights & known)
        _syscall("landlock_restrict_self", ctypes.c_int(ruleset), ctypes.c_uint(0))
    finally:
        os.close(ruleset)


def _allow(ruleset, path, rights):
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _ON_FILE
        rule = struct.pack("=Qi", rights, descriptor)
        _syscall("landlock_add_rule", ctypes.c_int(ruleset), ctypes.c_int(1), rule, ctypes.c_uint(0))
    finally:
        os.close(descriptor)


# seccomp --------------------------------------------------------------------------------------------------------------


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def seccomp(program):
    """Put a BPF filter over this process and its children."""
    buffer = ctypes.create_string_buffer(program, len(program))
    header = _Program(len(program) // 8, ctypes.addressof(buffer))
    _syscall("seccomp", ctypes.c_uint(1), ctypes.c_uint(0), ctypes.byref(header))


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
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(HUGE), MADV_COLLAPSE)
            start += HUGE
