# 041 a program with the set-user-id bit
# expect: ok
# unshown: no privilege is left in any mode: the kernel refuses before a layer is asked

import subprocess
try:
    done = subprocess.run(["su", "-c", "id"], capture_output=True, text=True, timeout=3, stdin=subprocess.DEVNULL)
    print("ESCAPED" if "uid=0" in done.stdout else done.stderr)
except (OSError, subprocess.SubprocessError) as error:
    print("stopped by", error)
