"""What an attack could reach on this machine, and whether it did: a secret, a victim, listeners, and the look for leftovers."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
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
        harmless = mode == attack.succeeds_without or (mode == "nons" and attack.id in HOLDS_WITHOUT_NAMESPACES)
        assert mode == "full" or harmless, f"{attack.name} is not to be run in mode {mode}"
        self.before = _children()
        return sandbox.run(Job(code=self.knowledge() + attack.code, timeout=attack.timeout, memory_mb=2048))

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


def _children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def main() -> int:
    """Run the whole catalogue and print what was not contained; with --table every attack, what was expected and what came."""
    failures = 0
    with Arena() as arena, Sandbox(CONTAINED) as sandbox:
        for attack in load():
            complaints = arena.check(sandbox, attack)
            failures += len(complaints)
            if "--table" in sys.argv:
                contained = "; ".join(complaints) or f"contained: {arena.last.kind}"
                print(f"| {attack.id} | {attack.name} | {' or '.join(sorted(attack.expect))} | {contained} |", flush=True)
            for complaint in complaints:
                print(attack.id, attack.name, complaint, sep=": ")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main())
