# ruff: noqa
import subprocess
import sys

print(subprocess.check_output([sys.executable, "-c", "print(1 + 1)"], text=True).strip())
# prints: 2
