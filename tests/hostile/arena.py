"""What an attack could reach on this machine, and whether it did: a secret, a victim, listeners, and the look for leftovers."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from snipfix.evidence import Job, Outcome
from snipfix.sandbox.client import Sandbox
from snipfix.sandbox.policy import CHILD, Policy

ATTACKS = Path(__file__).parent / "attacks"
CONTAINED = Policy(isolation="full")
"""What the catalogue is run under: the sandbox as it is used, with the executor that observes snippets and torch loaded where there is one."""
VICTIM = """
import ctypes, sys
sys.path.append({child!r})
import linux
linux.drop_capabilities()  # an ordinary victim: root's would be out of reach for the attacker, who has none
text = ctypes.create_string_buffer({text!r})
print(ctypes.addressof(text), flush=True)
sys.stdin.read()
"""

# An auditor that runs snippets in its own interpreter: what a process for each of them is for. It has to judge one more, and to end.
IN_ONE_PROCESS = """
import json, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
def run(code):
    try:
        exec(compile(code, "snippet.py", "exec"), {"__name__": "__main__"})
    except BaseException as error:
        return str(error)
    return "ok"
run(sys.argv[1])
os.write(int(sys.argv[2]), json.dumps([run("x = 1"), len("abc")]).encode())
"""
ALONE = str(Path(__file__).parent / "plain_executor.py")
"""Nothing but the sandbox between an attack and the machine: what is shown to hold or to fail without a layer is the sandbox's own doing."""


HOLDS_WITHOUT_NAMESPACES = frozenset(
    [
        "003",
        "008",
        "015",
        "016",
        "017",
        "019",
        "020",
        "021",
        "023",
        "024",
        "028",
        "031",
        "032",
        "033",
        "034",
        "035",
        "036",
        "040",
        "042",
        "043",
        "044",
        "045",
        "046",
        "047",
        "048",
        "049",
        "050",
        "051",
        "053",
        "055",
        "056",
        "057",
        "060",
        "061",
        "062",
        "063",
        "064",
        "065",
        "069",
        "070",
        "071",
        "073",
        "074",
        "075",
        "076",
        "077",
        "079",
        "080",
        "081",
        "082",
        "084",
        "085",
        "086",
        "087",
        "088",
        "089",
        "095",
        "096",
        "103",
        "107",
        "109",
        "111",
        "114",
        "115",
        "117",
    ]
)
"""Attacks that Landlock, seccomp and the limits alone contain."""


@dataclass(frozen=True)
class Attack:
    """One file of the catalogue: its number and name, the outcomes allowed, and where it is known to succeed."""

    id: str
    name: str
    code: str
    expect: frozenset[str]
    succeeds_without: str = ""
    raised: tuple[tuple[str, int], ...] = ()
    """The limits that are lifted, and how far, where it succeeds without them."""
    unshown: str = ""
    """Why it is not shown to succeed with its layer off, where it is not."""
    needs: str = ""
    timeout: float = 5.0


def load() -> list[Attack]:
    """The catalogue, in order."""
    return [_read(path) for path in sorted(ATTACKS.glob("a*.py"))]


def _read(path: Path) -> Attack:
    text = path.read_text(encoding="utf-8")
    head, _, code = text.partition("\n\n")
    first, *rest = (line.removeprefix("# ") for line in head.splitlines())
    fields = dict(line.split(": ", 1) for line in rest)
    number, name = first.split(" ", 1)
    return Attack(
        number,
        name,
        code,
        frozenset(fields["expect"].split()),
        fields.get("succeeds without", ""),
        tuple((name, int(value)) for name, _, value in (part.partition("=") for part in fields.get("raised", "").split())),
        fields.get("unshown", ""),
        fields.get("needs", ""),
        float(fields.get("timeout", "5")),
    )


class Arena:
    """A context manager that sets the stage. `check` runs one attack and gives what went wrong, in words; empty is contained."""

    def __enter__(self) -> Self:
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # whoever escapes its parent becomes a child of this process
        self.stack = contextlib.ExitStack()
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="arena-", dir=Path.home()))
        self.secret = secrets.token_hex(16)
        self.secret_file = Path(self.folder, "secret")
        self.secret_file.write_text(self.secret)
        self.victim = self.stack.enter_context(self._victim())
        assert self.victim.stdout
        self.address = int(self.victim.stdout.readline())
        self.tcp = self._listener(socket.AF_INET, ("127.0.0.1", 0))
        self.udp = self._listener(socket.AF_INET, ("127.0.0.1", 0), socket.SOCK_DGRAM)
        self.unix = self._listener(socket.AF_UNIX, f"{self.folder}/unix")
        self.datagram = self._listener(socket.AF_UNIX, f"{self.folder}/datagram", socket.SOCK_DGRAM)
        self.abstract_name = f"arena-{self.secret[:8]}"
        self.abstract = self._listener(socket.AF_UNIX, f"\0{self.abstract_name}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    @contextlib.contextmanager
    def _victim(self):
        environment = {**os.environ, "TOKEN_OF_THE_HOST": self.secret}
        command = [sys.executable, "-c", VICTIM.format(child=str(CHILD), text=self.secret[:15].encode())]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True) as process:
            yield process
            process.kill()

    def _listener(self, family: int, address: object, kind: int = socket.SOCK_STREAM) -> socket.socket:
        listener = self.stack.enter_context(socket.socket(family, kind))
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen(8)
        listener.setblocking(False)
        return listener

    def knowledge(self) -> str:
        """What the attacker is told, as one line of Python: an attack that has to search first would prove less."""
        facts = {
            "SUPERVISOR": os.getpid(),
            "VICTIM": self.victim.pid,
            "VICTIM_ADDRESS": self.address,
            "SECRET": self.secret,
            "SECRET_FILE": str(self.secret_file),
            "SECRET_FOLDER": Path(self.folder).name,
            "TCP_PORT": self.tcp.getsockname()[1],
            "UDP_PORT": self.udp.getsockname()[1],
            "UNIX_PATH": self.unix.getsockname(),
            "UNIX_DATAGRAM": self.datagram.getsockname(),
            "ABSTRACT": self.abstract_name,
        }
        return "; ".join(f"{name} = {value!r}" for name, value in facts.items()) + "\n"

    def attack(self, sandbox: Sandbox, attack: Attack) -> Outcome:
        """Run it; outside the full sandbox only attacks that are known to do no harm there: some would end every process of the machine."""
        mode = sandbox.isolation().mode
        memory = dict(attack.raised).get("memory_mb", 2048) if sandbox.policy.executor == ALONE else 2048
        harmless = mode == attack.succeeds_without or (mode == "nons" and attack.id in HOLDS_WITHOUT_NAMESPACES)
        assert mode == "full" or harmless, f"{attack.name} is not to be run in mode {mode}"
        self.before = _children()
        return sandbox.run(Job(code=self.knowledge() + attack.code, timeout=attack.timeout, memory_mb=memory))

    def succeeds(self, attack: Attack) -> bool:
        """Whether the attack does what it means to when the layer is missing that is said to stop it."""
        if attack.succeeds_without == "fork":
            return outlived(attack.code)
        raised = {name: value for name, value in attack.raised if name != "memory_mb"}
        isolation = "full" if attack.succeeds_without == "limits" else attack.succeeds_without
        with Sandbox(Policy(isolation=isolation, executor=ALONE, preload=(), **raised)) as sandbox:
            outcome = self.last = self.attack(sandbox, dataclasses.replace(attack, timeout=4 * attack.timeout))
        self.damage()  # what it did is taken from the listeners: the next attack starts clean
        return "ESCAPED" in outcome.stdout + outcome.stderr

    def check(self, sandbox: Sandbox, attack: Attack) -> list[str]:
        """Run an attack; the complaints about what it did to its own outcome and to the world outside."""
        outcome = self.last = self.attack(sandbox, attack)
        wrong = []
        if outcome.kind not in attack.expect:
            wrong.append(f"{outcome.kind} ({outcome.detail}), expected {' or '.join(sorted(attack.expect))}: {outcome.stderr[-300:]}")
        if "ESCAPED" in outcome.stdout:
            wrong.append(outcome.stdout[-300:])
        after = sandbox.run(Job(code="import os; print(os.listdir('.'), 1 + 1)"))
        if (after.kind, after.stdout) != ("ok", "['snippet.py'] 2\n"):
            wrong.append(f"the next snippet met {after.kind}: {after.stdout} {after.stderr}")
        return wrong + self.damage()

    def damage(self) -> list[str]:
        """Complaints about the host after an attack."""
        wrong = []
        if self.victim.poll() is not None:
            wrong.append("the victim is dead")
        for name in ("tcp", "unix", "abstract"):
            with contextlib.suppress(BlockingIOError):
                getattr(self, name).accept()[0].close()
                wrong.append(f"somebody connected to the {name} listener")
        for name in ("udp", "datagram"):
            with contextlib.suppress(BlockingIOError):
                wrong.append(f"the {name} listener heard {getattr(self, name).recv(100)!r}")
        if self.secret_file.read_text() != self.secret or sorted(path.name for path in Path(self.folder).iterdir()) != [
            "datagram",
            "secret",
            "unix",
        ]:
            wrong.append("the secret's folder was changed")
        if strays := self._strays():
            wrong.append(f"processes were left behind: {strays}")
        return wrong

    def _strays(self) -> set[int]:
        for _ in range(20):
            strays = _children() - self.before
            if not strays:
                break
            time.sleep(0.05)
        return strays


def outlived(code: str) -> bool:
    """Whether the code gets the better of an auditor that runs it in its own process: no right answer about the next snippet, or no end."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as answer:
        command = [sys.executable, "-c", IN_ONE_PROCESS, code, str(write)]
        nothing = subprocess.DEVNULL
        auditor = subprocess.Popen(
            command, pass_fds=(write,), stdin=nothing, stdout=nothing, stderr=nothing, cwd="/", start_new_session=True
        )
        os.close(write)
        try:
            auditor.wait(4)
            ended = True
        except subprocess.TimeoutExpired:
            ended = False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(auditor.pid, signal.SIGKILL)
        auditor.wait()
        return not ended or answer.read() != b'["ok", 3]'


def _children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def main() -> int:
    """Run the whole catalogue and print what was not contained.

    With --table a line for each attack: its number, and what came of it. With --without the same for attacks whose layer is switched off.
    """
    table, failures = "--table" in sys.argv, 0
    with Arena() as arena:
        if "--without" in sys.argv:
            for attack in filter(lambda attack: attack.succeeds_without, load()):
                print(attack.id, "succeeds" if arena.succeeds(attack) else "fails all the same", sep="\t", flush=True)
            return 0
        with Sandbox(CONTAINED) as sandbox:
            for attack in load():
                complaints = arena.check(sandbox, attack)
                failures += len(complaints)
                if table:
                    print(attack.id, "; ".join(complaints) or f"contained: {arena.last.kind}", sep="\t", flush=True)
                else:
                    for complaint in complaints:
                        print(attack.id, attack.name, complaint, sep=": ")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
