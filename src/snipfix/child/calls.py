"""System calls by number: made at once, or written down and made later, all in one go.

A process just forked owns none of its memory: every page that it writes to is copied first, and Python writes to whatever it looks at.
So what confines a job is written down by the fork server, and the job process goes through the list.
"""

import contextlib
import ctypes
import os
import platform

import seccomp

MACHINE = {"x86_64": 0, "amd64": 0, "aarch64": 1, "arm64": 1}.get(platform.machine().lower())

# number on x86-64, number on arm64
NUMBERS = {
    "write": (1, 64),
    "openat": (257, 56),
    "close": (3, 57),
    "dup3": (292, 24),
    "chdir": (80, 49),
    "prctl": (157, 167),
    "prlimit64": (302, 261),
    "capset": (126, 91),
    "seccomp": (317, 277),
    "landlock_create_ruleset": (444, 444),
    "landlock_add_rule": (445, 445),
    "landlock_restrict_self": (446, 446),
    **{name: seccomp.REFUSED[name] for name in ("unshare", "setns", "mount", "umount2", "pivot_root", "mount_setattr")},
}
MOST = 6
"""Arguments that a system call may have."""

_kernel = ctypes.CDLL(None, use_errno=True).syscall
_kernel.restype = ctypes.c_long
_kernel.argtypes = (ctypes.c_long,) * (1 + MOST)


class Answer:
    """What an earlier call of the same list will have given."""

    def __init__(self, index):
        self.index = index


class Call:
    """One call with its arguments as the kernel takes them; `excused` when it may fail."""

    def __init__(self, name, arguments, excused):
        if MACHINE is None:
            raise OSError(38, f"{name}: no call table for {platform.machine()}")
        self.name, self.excused = " ".join((name, *(value for value in arguments if isinstance(value, str)))), excused
        self.buffers = []  # alive as long as the kernel may be given their addresses
        self.words = [self.word(value) for value in arguments] + [0] * (MOST - len(arguments))
        self.words.insert(0, NUMBERS[name][MACHINE])
        self.open = [(place, value.index) for place, value in enumerate(self.words) if isinstance(value, Answer)]

    def word(self, value):
        if value is None:
            return 0
        if isinstance(value, (int, Answer)):
            return value
        self.buffers.append(ctypes.create_string_buffer(os.fsencode(value)))
        return ctypes.addressof(self.buffers[-1])

    def make(self, answers):
        for place, index in self.open:
            self.words[place] = answers[index]
        answer = _kernel(*self.words)
        if answer < 0 and not self.excused:
            number = ctypes.get_errno()
            raise OSError(number, f"{self.name}: {os.strerror(number)}")
        return answer


_lists = []  # those being written, the innermost last


def call(name, *arguments, excused=False):
    """Make a system call and give its answer, or write it down while `later` is in force. Text and bytes go as addresses of zero-ended copies.

    Raises OSError naming the call.
    """
    asked = Call(name, arguments, excused)
    if not _lists:
        return asked.make(())
    _lists[-1].append(asked)
    return Answer(len(_lists[-1]) - 1)


@contextlib.contextmanager
def later():
    """Calls within are written down in the list that this gives; see `make`."""
    _lists.append([])
    try:
        yield _lists[-1]
    finally:
        _lists.pop()


def make(calls):
    """Make the calls of a list in their order. Raises OSError naming the first that fails."""
    answers = []
    for one in calls:
        answers.append(one.make(answers))
