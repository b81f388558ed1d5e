# 105 a pickle for a report of an earlier run
# expect: 2
# then: report --compare old.json old.json
import pickle
from pathlib import Path


class Bomb:
    def __reduce__(self):
        return print, ("UNPICKLED",)


def make(inside: Path) -> None:
    (inside / "old.json").write_bytes(pickle.dumps(Bomb()))
