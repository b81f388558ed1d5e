"""What a snippet leaves behind, by habit or by accident, made good before anything else looks: patched modules, threads still at work."""

from __future__ import annotations

import signal
import sys
import threading
import time
import types

import warm

# What the rest of the child leans on. What a snippet patches elsewhere is part of what it means, and stays.
LEANT_ON = ("builtins", "sys", "os", "time", "json", "math", "contextlib", "threading", "signal")
OURS = ("torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.optim.optimizer", "torch.utils.data", "numpy")
MEANT = {"sys": {"path", "argv"}}
POOL_FILE = "concurrent/futures/thread.py"
ALARMS = ("ITIMER_REAL", "ITIMER_VIRTUAL", "ITIMER_PROF")

_settrace, _setprofile = sys.settrace, sys.setprofile
_enumerate, _sleep, _clock, _stacks = threading.enumerate, time.sleep, time.monotonic, sys._current_frames


class Surroundings:
    """The interpreter as it was when this was made."""

    def __init__(self) -> None:
        # A copy made in this process would touch every module's count of references, and so copy their pages.
        self._modules = warm.loaded or dict(sys.modules)
        self._kept = {name: dict(vars(sys.modules[name])) for name in LEANT_ON if name in sys.modules}
        self._owners = {name: sys.modules[name] for name in self._kept}
        self._recursion = sys.getrecursionlimit()
        self._set_recursion = sys.setrecursionlimit
        self._timers = [(signal.setitimer, getattr(signal, name)) for name in ALARMS if hasattr(signal, name)]

    def restore(self) -> None:
        """Puts back what was there; what a snippet has added stays. The streams it has put in place are flushed first, as at a program's end."""
        for unset in (threading.settrace, threading.setprofile):
            unset(None)  # type: ignore[arg-type]
        for set_timer, which in self._timers:
            set_timer(which, 0)
        self._set_recursion(self._recursion)
        flush()
        for name, kept in self._kept.items():
            present = vars(self._owners[name])
            for key, value in kept.items():
                if present.get(key, self) is not value and key not in MEANT.get(name, ()):
                    present[key] = value
        self._restore_modules()

    def _restore_modules(self) -> None:
        table = sys.modules
        if len(table) < len(self._modules):
            for name, module in self._modules.items():
                table.setdefault(name, module)
        for name in (*self._kept, *OURS):
            if name in self._modules and table.get(name) is not self._modules[name]:
                table[name] = self._modules[name]


def unhook() -> None:
    """Takes trace and profile functions away. Calling this may itself raise, once for each, when they are such as raise."""
    _setprofile(None)
    _settrace(None)


def flush() -> None:
    """What is printed and not yet written is written."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        try:
            getattr(sys, name).flush()
        except BaseException:
            continue


def wait_for_threads(seconds: float) -> bool:
    """Waits for threads that an interpreter would wait for before it ends. Gives whether none is left at work."""
    end, calm = _clock() + seconds, 0
    while calm < 2:
        at_work = [thread for thread in _enumerate() if _is_at_work(thread)]
        calm = 0 if at_work else calm + 1 + (len(_enumerate()) == 1)
        if at_work and _clock() > end:
            return False
        if calm < 2:
            _sleep(0.005)
    return True


def _is_at_work(thread: threading.Thread) -> bool:
    if thread.daemon or thread is threading.current_thread() or not thread.is_alive():
        return False
    frame: types.FrameType | None = _stacks().get(thread.ident or 0)
    # A pool's thread without work waits for more until the interpreter tells it that it ends.
    return frame is None or not (frame.f_code.co_filename.endswith(POOL_FILE) and frame.f_code.co_name == "_worker")
