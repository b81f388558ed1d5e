"""What is generated is fresh."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_of_rules_is_fresh() -> None:
    done = subprocess.run([sys.executable, "tools/rules_page.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "run `python tools/rules_page.py` and commit docs/rules.md"
