"""The system call filter: what no snippet has business with, refused; what the filter does not know, absent.

A list of refusals rather than of permissions: torch and its neighbours use many calls, and every future one is refused by number.
Filtering is the second line; namespaces, Landlock and the missing capabilities stand behind each refusal.
"""

import errno
import struct

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in struct seccomp_data; low words of the first two arguments

ARCHES = (0xC000003E, 0xC00000B7)
FIRST_UNKNOWN = 457  # statmount and all that came and will come after it
NAMESPACE_FLAGS = 0x7E020000
UNIX, LOOPBACK = (1,), (1, 2, 10, 16)  # socket families: Unix alone; with IPv4, IPv6 and the asking for interfaces
# Typing into the terminal, and leases and notifications on files shared with others.
IOCTLS = (0x5412, 0x541C)
FCNTLS = (1024, 1026)

# x86-64 number, arm64 number; None where the architecture never had the call
REFUSED = {
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "process_mrelease": (448, 448),
    # identity
    "setuid": (105, 146), "setgid": (106, 144), "setreuid": (113, 145), "setregid": (114, 143), "setgroups": (116, 159),
    "setresuid": (117, 147), "setresgid": (119, 149), "setfsuid": (122, 151), "setfsgid": (123, 152),
    # namespaces, mounts, roots
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "sysfs": (139, None), "ustat": (136, None),
    # files past their path
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262), "quotactl": (179, 60), "quotactl_fd": (443, 443), "lookup_dcookie": (212, 18),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "memfd_secret": (447, 447), "execveat": (322, 281),
    # kernel surface
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282), "keyctl": (250, 219), "add_key": (248, 217),
    "request_key": (249, 218), "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_setup": (206, 0), "io_submit": (209, 2), "vmsplice": (278, 75), "move_pages": (279, 239), "migrate_pages": (256, 238),
    "modify_ldt": (154, None), "personality": (135, 92), "syslog": (103, 116), "vhangup": (153, 58), "nfsservctl": (180, 42),
    "vserver": (236, None), "uselib": (134, None), "create_module": (174, None), "iopl": (172, None), "ioperm": (173, None),
    # the machine
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105), "finit_module": (313, 273),
    "delete_module": (176, 106), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89),
    "sethostname": (170, 161), "setdomainname": (171, 162), "settimeofday": (164, 170), "adjtimex": (159, 171),
    "clock_settime": (227, 112), "clock_adjtime": (305, 266),
    # System V and POSIX queues: outlive processes where namespaces are missing
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191),
    "semtimedop": (220, 192), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187),
    "mq_open": (240, 180), "mq_unlink": (241, 181),
}  # fmt: skip
EXECVE, CONNECT, MEMFD_CREATE = (59, 221), (42, 203), (319, 279)
CLONE3, CLONE = (435, 435), (56, 220)
SOCKETS = ((41, 198), (53, 199))
IOCTL, FCNTL, KILL_CALL = (16, 29), (72, 25), (62, 129)
EVERYBODY = 0xFFFFFFFF


def program(machine, execute, connect, families=UNIX):
    """The filter for a machine (0 x86-64, 1 arm64) as bytes.

    `execute` and `connect` say whether those calls are let through, `families` which sockets are.
    """
    code = []

    def emit(operation, value, if_true=0, if_false=0):
        code.append(struct.pack("HBBI", operation, if_true, if_false, value))

    def refuse(number, error):
        emit(_EQUAL, number, 0, 1)
        emit(_RETURN, ERRNO | error)

    def refuse_argument(number, offset, values, operation=_EQUAL):
        emit(_EQUAL, number, 0, 2 * len(values) + 2)
        emit(_LOAD, offset)
        for value in values:
            emit(operation, value, 0, 1)
            emit(_RETURN, ERRNO | errno.EPERM)
        emit(_RETURN, ALLOW)

    emit(_LOAD, _ARCH)
    emit(_EQUAL, ARCHES[machine], 1, 0)
    emit(_RETURN, KILL)
    emit(_LOAD, _NUMBER)
    if machine == 0:  # the x32 numbers reach the same calls by another door
        emit(_AT_LEAST, 0x40000000, 0, 1)
        emit(_RETURN, KILL)
    emit(_AT_LEAST, FIRST_UNKNOWN, 0, 1)
    emit(_RETURN, ERRNO | errno.ENOSYS)
    refuse(CLONE3[machine], errno.ENOSYS)  # the C library then uses clone, whose flags can be seen
    refuse(MEMFD_CREATE[machine], errno.ENOSYS)  # files without a name or a size limit: memory that no count shows
    refuse_argument(CLONE[machine], _FIRST, [NAMESPACE_FLAGS], _ANY_BIT)
    for socket in SOCKETS:
        emit(_EQUAL, socket[machine], 0, 2 * len(families) + 2)
        emit(_LOAD, _FIRST)
        for family in families:
            emit(_EQUAL, family, 0, 1)
            emit(_RETURN, ALLOW)
        emit(_RETURN, ERRNO | errno.EACCES)
    refuse_argument(IOCTL[machine], _SECOND, IOCTLS)
    refuse_argument(FCNTL[machine], _SECOND, FCNTLS)
    refuse_argument(KILL_CALL[machine], _FIRST, [EVERYBODY])
    if not connect:
        refuse(CONNECT[machine], errno.EACCES)
    refused = [numbers[machine] for numbers in (*REFUSED.values(), *(() if execute else (EXECVE,))) if numbers[machine] is not None]
    return b"".join(code) + search(sorted(refused))


def search(numbers):
    """The end of the filter: refuses these calls, allows all others.

    A search by halves: when a filter is put in force the kernel walks it once for every call there is, for every job.
    """
    steps = halves(numbers)
    ends = {"allow": len(steps), "refuse": len(steps) + 1}
    code = [
        struct.pack("HBBI", operation, *(way if isinstance(way, int) else ends[way] - place - 1 for way in ways), value)
        for place, (operation, value, *ways) in enumerate(steps)
    ]
    returns = [struct.pack("HBBI", _RETURN, 0, 0, answer) for answer in (ALLOW, ERRNO | errno.EPERM)]
    return b"".join([*code, *returns])


def halves(numbers):
    """Steps (operation, value, where to if true, where to if false); a place is a distance or the name of an end."""
    if len(numbers) <= 4:
        return [(_EQUAL, number, "refuse", "allow" if number == numbers[-1] else 0) for number in numbers]
    middle = len(numbers) // 2
    lower = halves(numbers[:middle])
    return [(_AT_LEAST, numbers[middle], len(lower), 0), *lower, *halves(numbers[middle:])]
