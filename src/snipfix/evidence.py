"""What the child process is given (Job) and what comes back (Outcome with Evidence).

The structs are the protocol's schema: `sandbox.protocol` decodes the child's JSON into them strictly, so a message that does not fit
is refused there and never reaches a rule. Nothing here is trusted to be true: a snippet can lie about itself.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Struct(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of the protocol's structs: immutable, keyword-only; unknown fields are ignored."""


class Span(msgspec.Struct, frozen=True, order=True, array_like=True):
    """A place: 1-based line and column in code points, end exclusive. In JSON an array of four integers."""

    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def at(cls, line: int, column: int = 1, width: int = 1) -> Span:
        return cls(line, column, line, column + width)


class Block(Struct, frozen=True):
    """One piece of code with the file name its frames shall carry."""

    name: str
    code: str
    expect_error: bool = False
    """The document means it to raise: what comes after it goes on."""


class Job(Struct, frozen=True):
    """What the child is asked to do. `before` blocks run first in the same namespace, unobserved and unheard."""

    code: str
    name: str = "snippet.py"
    before: tuple[Block, ...] = ()
    stage: str = "probe"
    """run, exercise or probe: how deep to look."""
    seed: int = 0
    device: str = "cpu"
    """cpu, cuda, or pretended: a card that is none (`child/card.py`)."""
    quick: int = 0
    """Greater than zero: module-level training loops end after so many optimizer steps."""
    timeout: float = 60.0
    processor: float = 0.0
    """Seconds of processor time after which it is stopped as well; 0: none of its own."""
    memory_mb: int = 4096
    stdin: str = ""
    echo: tuple[int, ...] = ()
    """The first lines of the top-level expressions whose value is shown, as the prompt of a session does."""
    shell: bool = False
    """A notebook's shell is there: `display`, `get_ipython`."""
    modules: tuple[str, ...] = ()
    """Names by which the blocks import the file that they stand in."""


class Value(Struct, frozen=True):
    """A bounded description of a live object.

    kind: tensor, module, int, float, bool, str, none, sequence, mapping, type, function, object.
    `shape`, `dtype`, `device`, `requires_grad`, `grad_fn` for tensors; `items` for sequences (first 8);
    `text` is a bounded repr for scalars, the qualified type name otherwise.
    For tensors of up to a million elements the statistics are given: low, high, whole (all values whole numbers), finite, and
    sums (the dims along which every slice is non-negative and sums to one: probabilities) .
    """

    kind: str
    type: str = ""
    text: str = ""
    shape: tuple[int, ...] | None = None
    dtype: str = ""
    device: str = ""
    requires_grad: bool = False
    grad_fn: str = ""
    length: int | None = None
    items: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool | None = None
    finite: bool | None = None
    sums: tuple[int, ...] = ()
    path: str = ""
    """For modules: the path from a named root (`model.fc1`)."""


class Frame(Struct, frozen=True):
    """One frame of a traceback. `snippet` frames carry exact columns and their locals; library frames only a name."""

    function: str
    span: Span
    snippet: bool = True
    block: str = ""
    """The Job's or a before-block's name for snippet frames; `package.module` for library frames."""
    locals: dict[str, Value] = {}
    owner: str = ""
    """The class name of `self`, when the function is a method of a snippet's class."""


class ModuleRef(Struct, frozen=True):
    """An nn.Module of the snippet's making."""

    path: str
    """From its root's class: `Decoder.fc1`, `Net.layers.0`."""
    type: str
    """`Linear`."""
    qualified: str = ""
    config: dict[str, Value] = {}
    """Public scalar attributes: in_features, batch_first, ..."""
    built: Span | None = None
    """The constructor call in the snippet; None when built elsewhere."""
    parameters: int = 0


class Operation(Struct, frozen=True):
    """The torch operation that failed or was observed, with what it was given."""

    name: str
    """`torch.nn.functional.linear`, `Tensor.view`."""
    args: tuple[Value, ...] = ()
    kwargs: dict[str, Value] = {}
    module: ModuleRef | None = None
    """The innermost module whose forward was running."""


class Failure(Struct, frozen=True):
    """An exception that reached the top, or that every plausible input of an exercise met."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    """Outermost first; the last snippet frame is where it happened in the author's code."""
    operation: Operation | None = None
    cause: str = ""
    """`Type: message` of __cause__ or __context__, when there is one."""
    syntax: Span | None = None
    """The place CPython names, for a SyntaxError."""
    near: tuple[str, ...] = ()
    """For a name that a module or object lacks: those that it has and that look alike, best first; dotted where a submodule has it."""

    @property
    def frame(self) -> Frame | None:
        """The innermost frame in the author's code."""
        return next((frame for frame in reversed(self.frames) if frame.snippet), None)


class Exercise(Struct, frozen=True):
    """One call that the snippet does not make itself."""

    target: str
    """`Net` or `Net.forward` or `function`."""
    kind: str
    """module, class or function."""
    call: str
    """The call as a reader would write it: `Net(3)(torch.randn(2, 3, 8, 8))`."""
    inputs: dict[str, Value] = {}
    output: Value | None = None
    failure: Failure | None = None
    tried: int = 1
    skipped: str = ""
    """Why no call could be made."""
    definition: Span | None = None


class Observation(Struct, frozen=True):
    """What a probe saw: facts, no judgement."""

    probe: str
    """The probe's name: `loss`, `backward`, `step`, `batch-leak`, `causality`, `layout`, ..."""
    span: Span | None = None
    facts: dict[str, Any] = {}
    stage: str = "run"


class Call(Struct, frozen=True):
    """One edge of the model's data flow, first call of each module: for rules and for the picture in the report."""

    module: ModuleRef
    inputs: tuple[Value, ...] = ()
    output: Value | None = None
    span: Span | None = None
    depth: int = 0


class StandIn(Struct, frozen=True):
    """Something of the World that stood in for the real thing."""

    what: str
    """`MNIST`, `bert-base-uncased`."""
    how: str
    """`256 learnable images in IDX files`."""


class Usage(Struct, frozen=True):
    """What the run cost, measured from outside."""

    wall: float = 0.0
    cpu: float = 0.0
    peak_mb: float = 0.0


class Outcome(Struct, frozen=True):
    """What came of one job.

    kind: ok, raised, exited (sys.exit or os._exit before the end), timeout, out-of-memory, output-flood, crashed (signal),
    refused (the sandbox could not run it). Only ok and raised are the child's own word; the rest is judged from outside.
    """

    kind: str
    detail: str = ""
    exit_code: int | None = None
    signal: int | None = None
    failure: Failure | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    warnings: tuple[Observation, ...] = ()
    """Python warnings raised on a line of the snippet; facts: category, message."""
    calls: tuple[Call, ...] = ()
    exercises: tuple[Exercise, ...] = ()
    observations: tuple[Observation, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()
    quick: bool = False
    """A training loop was cut short."""
    stdout_again: str | None = None
    """What another seed prints, asked for where a documented output hangs on random numbers: shapes that both print are certain."""
    stopped_in: str = ""
    """The before-block in which the run ended: the snippet itself was not reached."""
    lines_run: tuple[int, ...] = ()
    """Top-level statement lines that were started: shows how far a failing run came."""
    usage: Usage = msgspec.field(default_factory=Usage)

    @property
    def failures(self) -> tuple[tuple[str, Failure], ...]:
        """Every failure with the stage it belongs to."""
        run = (("run", self.failure),) if self.failure else ()
        return run + tuple(("exercise", exercise.failure) for exercise in self.exercises if exercise.failure)

    def seen(self, probe: str) -> tuple[Observation, ...]:
        """The observations of one probe, in the order they were made."""
        return tuple(observation for observation in self.observations if observation.probe == probe)
