"""One job from beginning to end: stand-ins, recorder, probes, the snippet as `__main__`, then what it only defined."""

from __future__ import annotations

import ast
import builtins
import contextlib
import linecache
import os
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import loops
from aftermath import Surroundings, flush, unhook, wait_for_threads
from evidence import Recorder
from failures import failure, message
from scene import echoing, furnish
from tracing import HERE, is_own

Send = Callable[[dict], None]
USERS_OF_TORCH = ("transformers", "lightning", "timm", "accelerate", "monai", "fastai", "ignite", "einops", "peft", "diffusers")
PRETENDED = "pretended"
DEPTHS = ("run", "exercise", "probe")
THREADS_SHARE, THREADS_SECONDS = 0.5, 20.0


def run(job: dict[str, Any], send: Send) -> None:
    """Runs one job in this process and sends what is found, each step as soon as it is done."""
    world, probes = _sibling("world"), _sibling("probes")
    if world is not None:
        world.install(job)
    main = _main_module(job)
    furnish(job, main)
    recorder = Recorder(job, main.__dict__, send)
    stand_ins = _StandIns(world, send)
    quick = _quick(recorder, stand_ins)
    _seed(int(job.get("seed", 0)))
    torch = _torch(job)
    if torch is not None:
        # A forked process makes its thread pool anew at first use, and two threads that use it first at once find none ("Invalid thread pool").
        torch.set_num_threads(torch.get_num_threads())
        stand_ins.own += _uncompiled(job)
        if job.get("device") == "cuda":
            _bound_card(torch, int(job.get("memory_mb") or 0) << 20)
        recorder.watch(torch)
        if probes is not None:
            probes.install(recorder)
    _record_warnings(recorder)
    depth = DEPTHS.index(job.get("stage", "probe"))
    with (
        _pretended(job, torch),
        _carried(job, torch, stand_ins.add),
        recorder.functions.mode() if torch is not None else contextlib.nullcontext(),
    ):
        tree = _run_snippet(recorder, main, send, quick)
        stand_ins.tell()
        _silence()
        if depth >= 1 and torch is not None and tree is not None:
            import exercise

            recorder.stage = "exercise"
            with _inputs_carried(job, torch):
                exercise.exercise(recorder, main.__dict__, job["code"])
            recorder.flush()
    if depth >= 2 and torch is not None and probes is not None and tree is not None:
        recorder.stage = "probe"
        probes.finish(recorder)
        recorder.flush()
    stand_ins.tell()


def rehearse() -> None:
    """Touches, in a process that waits for its job, what every job will write to: the pages are then its own, and the method tables marked."""
    torch = sys.modules.get("torch")
    if torch is None:
        return
    _seed(0)
    for owner, name in (*((torch.nn.Module, name) for name in ("__init__", "__call__", "zero_grad")), (torch.optim.Optimizer, "zero_grad")):
        setattr(owner, name, getattr(owner, name))
    Surroundings()


def _sibling(name: str) -> Any | None:
    """A room beside this file; None where it was left out."""
    try:
        found = __import__(name)
        return found if hasattr(found, "install") else None
    except ImportError as error:
        if error.name == name:
            return None
        raise


class _StandIns:
    """What stood in for the real thing: the World's and our own."""

    def __init__(self, world: Any, send: Send) -> None:
        self.world, self.send = world, send
        self.own: list[dict[str, str]] = []
        self.cut: dict[str, None] = {}

    def cut_short(self, limit: int, loop: str) -> None:
        """A training loop was ended before its time: said once for each loop."""
        if loop not in self.cut:
            self.cut[loop] = None
            self.send({"set": {"quick": True}})
        self.limit = limit

    def add(self, what: str, how: str) -> None:
        """Something of our own, named once."""
        if all(one["what"] != what for one in self.own):
            self.own.append({"what": what, "how": how})

    def tell(self) -> None:
        quick = (
            [{"what": "--quick", "how": f"ended after {self.limit} steps: {', '.join(f'`{loop}`' for loop in self.cut)}"}]
            if self.cut
            else []
        )
        used = [*quick, *self.own, *(self.world.used() if self.world is not None else [])]
        if used:
            self.send({"set": {"stand_ins": used}})


def _uncompiled(job: dict[str, Any]) -> list[dict[str, str]]:
    """Lets torch.compile give the model as it is: a compiler would look through our observers, and there is none in the sandbox."""
    if "torch.compile" not in job["code"]:
        return []
    import torch._dynamo

    torch._dynamo.config.disable = True
    return [{"what": "torch.compile", "how": "the model runs as it is, uncompiled"}]


def _bound_card(torch: Any, size: int) -> None:
    """As much memory on the card as off it. Asked for when the snippet first uses the card: to use it here would cost every snippet half a second."""

    def bound() -> None:
        for index in range(torch.cuda.device_count()):
            total = torch.cuda.get_device_properties(index).total_memory
            torch.cuda.set_per_process_memory_fraction(min(1.0, size / total), index)

    if size:
        torch.cuda._lazy_call(bound)


def _pretended(job: dict[str, Any], torch: Any) -> Any:
    """A context in which there seems to be a card, where the job asks for one that is none."""
    if torch is None or job.get("device") != PRETENDED:
        return contextlib.nullcontext()
    from card import Pretended

    return Pretended(torch).install()


def _carried(job: dict[str, Any], torch: Any, note: Callable[[str, str], None]) -> Any:
    """A context in which a snippet that names no card runs on one, where the job asks for that."""
    if torch is None or job.get("device") not in ("cuda", PRETENDED):
        return contextlib.nullcontext()
    import carry

    return carry.carry(torch, note) if carry.carried(job) else contextlib.nullcontext()


def _inputs_carried(job: dict[str, Any], torch: Any) -> Any:
    """A context for exercises on a card: the inputs are ours, and follow to where the snippet has put its models."""
    if job.get("device") != "cuda":
        return contextlib.nullcontext()
    import carry

    return contextlib.nullcontext() if carry.carried(job) else carry.carry(torch, lambda *_: None)


def _silence() -> None:
    """From here on nothing is the snippet's own output."""
    flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)


# The scene ------------------------------------------------------------------------------------------------------------


def _main_module(job: dict[str, Any]) -> types.ModuleType:
    """A real `__main__`, from a real file in this folder."""
    name = str(job.get("name") or "snippet.py")
    if os.path.isabs(name) or ".." in name.split("/"):
        name = os.path.basename(name)
    job["name"] = name
    _write(name, job["code"])
    main = types.ModuleType("__main__")
    main.__file__ = os.path.abspath(name)
    main.__dict__.update(__builtins__=builtins, __spec__=None, __annotations__={})
    sys.modules["__main__"] = main
    sys.argv = [name]
    sys.path.insert(0, os.getcwd())
    return main


def _write(name: str, code: str) -> None:
    folder = os.path.dirname(name)
    if folder:
        os.makedirs(folder, exist_ok=True)
    with open(name, "w", encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        file.write(code)


def _seed(seed: int) -> None:
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def _torch(job: dict[str, Any]) -> Any | None:
    """torch, when it is loaded or the code is about to load it; never for a snippet that does without."""
    if "torch" not in sys.modules:
        texts = [job["code"], *(block["code"] for block in job.get("before") or ())]
        if not any("torch" in text or any(name in text for name in USERS_OF_TORCH) for text in texts):
            return None
    try:
        import torch
        import torch.optim
        import torch.overrides
    except Exception:
        return None
    return torch


def _record_warnings(recorder: Recorder) -> None:
    """Warnings are shown as ever, and kept when the snippet was at work."""
    warnings.simplefilter("default", append=True)  # forgets what the fork server was already warned of
    warnings.filterwarnings("default", category=DeprecationWarning, module="functions$")
    show = warnings.showwarning

    def showwarning(message: Any, category: type, filename: str, lineno: int, file: Any = None, line: Any = None) -> None:
        if filename.startswith(HERE):  # our frame stands between torch and whoever called it
            filename, lineno = _caller(filename, lineno)
        recorder.warn(category.__name__, str(message), filename in recorder.sources)
        show(message, category, filename, lineno, file, line)

    warnings.showwarning = showwarning


def _caller(filename: str, lineno: int) -> tuple[str, int]:
    """File and line of the innermost frame that is not the child's."""
    frame: types.FrameType | None = sys._getframe(1)
    while frame is not None:
        if not is_own(frame.f_code) and not frame.f_code.co_filename.endswith("warnings.py"):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return filename, lineno


# The run --------------------------------------------------------------------------------------------------------------


def _run_snippet(recorder: Recorder, main: types.ModuleType, send: Send, quick: loops.Loops | None) -> ast.Module | None:
    """Runs the blocks before and the snippet, and says how it ended. Gives its tree, None when it cannot be compiled."""
    job = recorder.job
    tree: ast.Module | None = None
    surroundings = Surroundings()
    try:
        try:
            _run_before(recorder, main, send, quick)
            tree = ast.parse(job["code"], job["name"])
            exec(_compile(recorder, job["name"], job["code"], quick), main.__dict__)
        finally:
            for _ in range(3):
                try:
                    unhook()
                    break
                except BaseException:
                    continue  # a hook that raises does so once, and is gone by that
            surroundings.restore()
    except SystemExit as error:
        _tell_exit(error, send)
    except BaseException as error:
        facts = recorder.failure = failure(recorder, error)
        send({"set": {"kind": "raised", "failure": facts, "lines_run": _lines(recorder, tree, facts)}})
    else:
        send({"set": {"kind": "ok", "lines_run": _lines(recorder, tree, None)}})
    if not wait_for_threads(min(THREADS_SECONDS, THREADS_SHARE * float(job.get("timeout") or THREADS_SECONDS))):
        send({"set": {"detail": "threads that it had started were still at work long after its last line"}})
    recorder.flush()
    return tree


def _run_before(recorder: Recorder, main: types.ModuleType, send: Send, quick: loops.Loops | None) -> None:
    """Runs the blocks that the snippet builds on. What they show and print is theirs: it is told when they are audited themselves."""
    blocks = recorder.job.get("before") or ()
    if not blocks:
        return
    mark = recorder.mark()
    with _unheard():
        for block in blocks:
            send({"set": {"stopped_in": block["name"]}})
            _write(block["name"], block["code"])
            try:
                exec(_compile(recorder, block["name"], block["code"], quick), main.__dict__)
            except Exception:
                if not block.get("expect_error"):
                    raise
    recorder.rewind(mark)
    send({"set": {"stopped_in": "", "observations": [], "warnings": [], "calls": []}})


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """What is printed meanwhile is not heard by anybody."""
    heard = [os.dup(1), os.dup(2)]
    _silence()
    try:
        yield
    finally:
        flush()
        for descriptor, old in enumerate(heard, 1):
            os.dup2(old, descriptor)
            os.close(old)


def _compile(recorder: Recorder, name: str, text: str, quick: loops.Loops | None) -> types.CodeType:
    recorder.sources.add(name, text, audited=name == recorder.filename)
    linecache.cache[name] = (len(text), None, [line + "\n" for line in text.split("\n")], name)
    echo = recorder.job.get("echo") if name == recorder.filename else ()
    if quick is None and not echo:
        return compile(text, name, "exec", dont_inherit=True)
    tree = ast.parse(text, name)
    if echo:
        tree = echoing(tree, echo)
    if quick is not None:
        tree = quick.guard(tree, text)
    return compile(tree, name, "exec", dont_inherit=True)


def _quick(recorder: Recorder, stand_ins: _StandIns) -> loops.Loops | None:
    """What ends the training loops of a quick run; None where they run in full."""
    limit = int(recorder.job.get("quick") or 0)
    if limit <= 0:
        return None
    return loops.Loops(limit, lambda: (recorder.steps, recorder.backwards), lambda loop: stand_ins.cut_short(limit, loop))


def _tell_exit(error: SystemExit, send: Send) -> None:
    code = error.code
    number = 0 if code is None else code if isinstance(code, int) else 1
    detail = "" if code is None or isinstance(code, int) else message(error)[:1_000]
    send({"set": {"kind": "exited", "exit_code": int(number) & 0xFF, "detail": detail}})


def _lines(recorder: Recorder, tree: ast.Module | None, facts: dict[str, Any] | None) -> list[int]:
    """The first lines of the top-level statements that were started."""
    if tree is None:
        return []
    last = float("inf")
    if facts is not None:
        own = [frame["span"][0] for frame in facts["frames"] if frame.get("block") == recorder.filename and frame.get("snippet", True)]
        last = own[0] if own else 0
    return [statement.lineno for statement in tree.body if statement.lineno <= last]
