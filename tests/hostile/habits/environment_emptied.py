# expect: ok
import os
import tempfile
for name in ("HOME", "PATH"):
    del os.environ[name]
os.environ.clear()
os.environ["CUDA_VISIBLE_DEVICES"] = ""
with tempfile.TemporaryFile() as file:
    print(file.write(b"abc"))
# prints: 3
