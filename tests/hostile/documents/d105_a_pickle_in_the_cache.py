# 105 a pickle in the cache
# expect: 0
# then: audit page.md --stage parse
import pickle
import sqlite3
import zlib
from pathlib import Path


class Bomb:
    def __reduce__(self):
        return print, ("UNPICKLED",)


def make(inside: Path) -> None:
    (inside / "page.md").write_text("```python\nprint(1)\n```\n")
    folder = inside / ".cache"
    folder.mkdir()
    with sqlite3.connect(folder / "results.sqlite3") as base:
        base.execute("CREATE TABLE held (key BLOB PRIMARY KEY, used INTEGER NOT NULL, value BLOB NOT NULL)")
        for number in range(100):
            base.execute("INSERT INTO held VALUES (?, 0, ?)", (number.to_bytes(32, "big"), zlib.compress(pickle.dumps(Bomb()))))
