# ruff: noqa
import getpass
import os
import pathlib
import platform

print(getpass.getuser(), pathlib.Path.home() == pathlib.Path.cwd(), platform.system() != "", os.cpu_count() > 0, __name__)
# prints: snippet True True True __main__
