"""Runs a command as an ordinary user. For root only: `python ordinary_user.py COMMAND...`.

The interpreter may lie where no other user may look, so the command gets its own view of the machine, in its own mount namespace,
with the interpreter, this repository's sources and tests, and empty /tmp and /home.
"""

import os
import sys
from pathlib import Path

from snipfix.sandbox.policy import CHILD

NOBODY = 65534
ROOT = CHILD.parents[2]


def main() -> None:
    sys.path.append(str(CHILD))
    import linux
    import view

    place = sys.argv[1]
    paths = view.readable({"executor": str(CHILD / "execute.py"), "visible": [str(ROOT / "tests")]}, str(CHILD))
    linux.unshare("ns")
    view.build(place, paths, {"device": "cpu"})
    linux.pivot(place)
    for folder in ("/tmp", "/home", "/dev/shm"):
        if not any(path.startswith(folder + "/") for path in paths):
            linux.mount("tmpfs", folder, "tmpfs", 0, "mode=1777")
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    linux.prctl(linux.DUMPABLE, 1)
    os.chdir("/home")
    os.environ.update(HOME="/home", TMPDIR="/tmp", PYTHONDONTWRITEBYTECODE="1")
    os.execv(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    if os.getuid():
        sys.exit("only root can become somebody else")
    assert Path(sys.argv[1]).is_dir()
    main()
