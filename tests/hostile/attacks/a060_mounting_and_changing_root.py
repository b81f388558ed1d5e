# 060 mounting and changing root
# expect: ok
# unshown: to let it succeed would harm the machine

import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
attempts = {
    "mount": lambda: libc.mount(b"none", b"/scratch", b"tmpfs", 0, None),
    "bind": lambda: libc.mount(b"/", b"/scratch", None, 4096, None),
    "remount": lambda: libc.mount(None, b"/", None, 32 | 4096, None),
    "umount": lambda: libc.umount2(b"/proc", 2),
    "chroot": lambda: libc.chroot(b"/usr"),
    "pivot": lambda: libc.syscall(155, b".", b"."),
}
for name, attempt in attempts.items():
    if attempt() == 0:
        print("ESCAPED:", name)
