# 042 a shell that looks around
# expect: ok
# succeeds without: process

import subprocess
try:
    done = subprocess.run(["/bin/sh", "-c", f"cat {SECRET_FILE}; ls /root /home/*"], capture_output=True, text=True, timeout=3)
    print("ESCAPED" if SECRET in done.stdout else done.stderr)
except OSError as error:
    print("stopped by", error)
