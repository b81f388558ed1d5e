"""The file system as a job sees it: the interpreter, the libraries and a few devices, read-only; nothing of the user's."""

import os
import site
import sys

import linux

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
FILES = (
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/mime.types",
    "/etc/fonts",
    "/sys/devices/system/cpu",
)
# What NVIDIA's driver asks about: where its cards are, and which memory is near them.
FILES_OF_CUDA = ("/sys/devices", "/sys/bus/pci", "/sys/module/nvidia", "/sys/module/nvidia_uvm")
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
SCRATCH = "/scratch"
KEPT = "/kept"
USERS = "root:x:0:0::/nonexistent:/bin/false\nsnippet:x:1000:1000::/scratch:/bin/false\n"


def readable(policy, here):
    """The folders and files that jobs may read: those of the interpreter, of its packages and of the sandbox itself."""
    executor = policy["executor"]
    wanted = [sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix, here, executor, os.path.dirname(executor)]
    wanted += [*site.getsitepackages(), *sys.path, *policy["visible"]]
    wanted += [os.path.dirname(sys.executable), os.path.dirname(os.path.realpath(sys.executable))]
    paths = {os.path.abspath(path) for path in wanted if path and os.path.exists(path)}
    paths |= {os.path.realpath(path) for path in paths}
    return pruned([*(path for path in SYSTEM if os.path.exists(path)), *(path for path in paths if not too_wide(path))])


def too_wide(path):
    """Whether showing the path would show a home, or everything."""
    home = os.path.expanduser("~" + current_user())
    return path in ("/", "/home", "/root", "/tmp", "/etc", "/var", "/opt", "/srv") or home == path or home.startswith(path + "/")


def current_user():
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def pruned(paths):
    """Without what lies in another of the paths, shortest first. What lies behind a link is named by its own place as well."""
    seen = []
    for path in sorted(set(paths), key=len):
        if not any(path.startswith(other + "/") for other in seen):
            seen.append(path)
    return seen


def files(policy):
    """What jobs may read besides folders of programs and libraries."""
    return FILES if policy["device"] == "cpu" else (*FILES, *FILES_OF_CUDA)


def devices(policy):
    """The devices that jobs may use."""
    return DEVICES if policy["device"] == "cpu" else (*DEVICES, *cards())


def cards():
    """The device files of NVIDIA's driver."""
    return tuple("/dev/" + name for name in sorted(os.listdir("/dev")) if name.startswith("nvidia"))


def build(root, paths, policy):
    """Fill an empty folder with the view; it becomes the root folder by linux.pivot. Leaves a place `old` for the old one."""
    linux.make_private()
    linux.mount("tmpfs", root, "tmpfs", linux.MS_NOSUID, "size=4m,mode=755")
    for path in [*paths, *pruned(files(policy)), *devices(policy)]:
        if os.path.lexists(path):
            show(path, root)
    for place, path in kept(paths):
        show(path, root, root + place)
    for folder in ("proc", "tmp", "scratch", "dev", "dev/shm", "etc", "old", "home"):
        os.makedirs(os.path.join(root, folder), exist_ok=True)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + target, root + "/dev/" + name)
    for name, text in (("passwd", USERS), ("group", "snippet:x:1000:\n"), ("hosts", "127.0.0.1 localhost\n")):
        with open(root + "/etc/" + name, "w") as file:
            file.write(text)
    linux.proc(root + "/proc")  # now: once the old root is gone the kernel no longer lets a user namespace mount one


def kept(paths):
    """Where the folders that lie under /tmp are also shown: each job gets a /tmp of its own, and these are put back into it."""
    return [(f"{KEPT}/{number}", path) for number, path in enumerate(path for path in paths if path.startswith("/tmp/"))]


def own_tmp(paths, megabytes):
    """A /tmp of a job's own, with the folders in it that the interpreter needs."""
    linux.tmpfs("/tmp", megabytes, 16384)
    for place, path in kept(paths):
        show(place, "/", path)


def show(path, root, target=None):
    """Make a path appear under the new root, by default in its own place: a link as a link, all else as a bind mount."""
    target = target or root + path
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        os.makedirs(target, exist_ok=True)
    else:
        with open(target, "w"):
            pass
    linux.bind(path, target)
