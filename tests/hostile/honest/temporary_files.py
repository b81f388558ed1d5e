# ruff: noqa
import os
import tempfile

with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, "x"), "w+") as file:
    file.write("kept")
    file.seek(0)
    print(file.read())
with tempfile.NamedTemporaryFile() as file:
    print(os.path.exists(file.name))
# prints: kept True
