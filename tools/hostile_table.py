"""Runs the catalogue of attacks and writes docs/hostile.md: what each had to end as, and what came of it as root, as an ordinary user, and without its layer.

`python tools/hostile_table.py [--check]`; takes some minutes. As an ordinary user the column of root stays empty. With --check nothing is written.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOSTILE = ROOT / "tests" / "hostile"
sys.path.insert(0, str(HOSTILE))
from arena import Attack, load  # noqa: E402

PAGE = ROOT / "docs" / "hostile.md"
HEAD = """# The catalogue of attacks

Written by `tools/hostile_table.py`, which runs every file of `tests/hostile/attacks/` in the sandbox with all layers on. Expected is how the snippet may end;
contained means that it ended so, that it reached nothing outside (a secret, a victim process and five listeners stand ready), that no process was left,
and that the next snippet of the same fork server was as it should be.
The last column switches off what stops the attack and says whether it then succeeds:

| word | what is switched off |
|---|---|
| `process` | namespaces, Landlock and seccomp; only the limits are left |
| `nsonly` | Landlock and seccomp |
| `limits` | the limit that is named; all layers are on |
| `fork` | the process of its own: the snippet runs in the interpreter of its auditor |

Where it is not shown the column says why.

"""


def main() -> int:
    own, user, without = columns()
    attacks = load()
    rows = [
        f"| {attack.id} | {attack.name} | {', '.join(sorted(attack.expect))} | {own[attack.id] if not os.getuid() else ''} |"
        f" {user[attack.id]} | {off(attack, without)} |"
        for attack in attacks
    ]
    lost = [attack.id for attack in attacks if not user[attack.id].startswith("contained") or not own[attack.id].startswith("contained")]
    lost += [attack.id for attack in attacks if attack.succeeds_without and without[attack.id] != "succeeds"]
    shown = sum(bool(attack.succeeds_without) for attack in attacks)
    words = (
        f"{len(attacks)} attacks, {len(attacks) - len(set(lost))} as promised; {shown} of them are shown to succeed without their layer."
    )
    table = "| | attack | expected | as root | as user | without its layer |\n|---|---|---|---|---|---|\n" + "\n".join(rows)
    print(words, *lost)
    if "--check" not in sys.argv:
        PAGE.write_text(f"{HEAD}{words}\n\n{table}\n", encoding="utf-8")
    return min(1, len(lost))


def off(attack: Attack, without: dict[str, str]) -> str:
    """The cell that says what happens with a layer off."""
    if not attack.succeeds_without:
        return f"not shown: {attack.unshown}"
    raised = " ".join(name for name, _ in attack.raised)
    return f"{attack.succeeds_without}{f' ({raised})' if raised else ''}: {without[attack.id]}"


def columns() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """What came of each attack: in this process's own name, in an ordinary user's, and without a layer."""
    arena = [sys.executable, str(HOSTILE / "arena.py")]
    own = told([*arena, "--table"])
    if os.getuid():
        return own, own, told([*arena, "--without"])
    with tempfile.TemporaryDirectory() as place:
        user = told([sys.executable, str(HOSTILE / "ordinary_user.py"), place, *arena, "--table"])
    return own, user, told([*arena, "--without"])


def told(command: list[str]) -> dict[str, str]:
    """The lines of the arena: number of an attack, then words."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found = dict(line.split("\t", 1) for line in done.stdout.splitlines() if line[:3].isdigit() and line[3:4] == "\t")
    return {attack.id: found.get(attack.id, "no answer").replace("|", "\\|").replace("\n", " ") for attack in load()}


if __name__ == "__main__":
    sys.exit(main())
