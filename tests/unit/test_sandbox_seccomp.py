"""The system call filter, walked by hand for both architectures: each verdict is the one the table promises."""

from __future__ import annotations

import errno
import re
import struct
import sys
from pathlib import Path

import pytest

from snipfix.sandbox.policy import CHILD

sys.path.append(str(CHILD))
import calls
import seccomp

MACHINES = (0, 1)


def verdict(program: bytes, arch: int, number: int, arguments: tuple[int, ...] = ()) -> int:
    """What the kernel would answer: a walk through the filter."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=iIQ6Q", number if number < 1 << 31 else number - (1 << 32), arch, 0, *padded)
    code = [struct.unpack_from("HBBI", program, at) for at in range(0, len(program), 8)]
    at, accumulator = 0, 0
    while True:
        operation, if_true, if_false, value = code[at]
        at += 1
        if operation == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x06:
            return value
        else:
            hit = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[operation]
            at += if_true if hit else if_false


def refused(answer: int, error: int = errno.EPERM) -> bool:
    return answer == seccomp.ERRNO | error


@pytest.mark.parametrize("machine", MACHINES)
def test_every_listed_call_is_refused(machine: int) -> None:
    program = seccomp.program(machine, execute=True, connect=True)
    for name, numbers in seccomp.REFUSED.items():
        if numbers[machine] is not None:
            assert refused(verdict(program, seccomp.ARCHES[machine], numbers[machine])), name


@pytest.mark.parametrize("machine", MACHINES)
def test_no_other_call_is_refused(machine: int) -> None:
    program = seccomp.program(machine, execute=True, connect=True)
    special = {seccomp.CLONE3[machine], seccomp.MEMFD_CREATE[machine], *(numbers[machine] for numbers in seccomp.SOCKETS)}
    listed = {numbers[machine] for numbers in seccomp.REFUSED.values()} | special
    for number in set(range(seccomp.FIRST_UNKNOWN)) - listed:
        assert verdict(program, seccomp.ARCHES[machine], number) == seccomp.ALLOW, number


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("call", "arguments", "answer"),
    [
        ("CLONE", (0x10000000,), errno.EPERM),
        ("CLONE", (0x3D0F00,), 0),  # a thread
        ("CLONE3", (), errno.ENOSYS),
        ("MEMFD_CREATE", (), errno.ENOSYS),
        ("IOCTL", (0, 0x5412), errno.EPERM),
        ("IOCTL", (0, 0x5401), 0),
        ("FCNTL", (0, 1024), errno.EPERM),
        ("FCNTL", (0, 2), 0),
        ("KILL_CALL", (0xFFFFFFFF, 9), errno.EPERM),
        ("KILL_CALL", (5, 9), 0),
        ("EXECVE", (), 0),
        ("CONNECT", (), 0),
    ],
)
def test_arguments_decide(machine: int, call: str, arguments: tuple[int, ...], answer: int) -> None:
    program = seccomp.program(machine, execute=True, connect=True)
    found = verdict(program, seccomp.ARCHES[machine], getattr(seccomp, call)[machine], arguments)
    assert found == (seccomp.ERRNO | answer if answer else seccomp.ALLOW)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("families", [seccomp.UNIX, seccomp.LOOPBACK])
def test_only_these_sockets(machine: int, families: tuple[int, ...]) -> None:
    program = seccomp.program(machine, execute=True, connect=True, families=families)
    for numbers in seccomp.SOCKETS:
        answers = [verdict(program, seccomp.ARCHES[machine], numbers[machine], (family,)) for family in range(46)]
        assert [family for family, answer in enumerate(answers) if answer == seccomp.ALLOW] == list(families)


@pytest.mark.parametrize("machine", MACHINES)
def test_programs_and_connections_can_be_refused(machine: int) -> None:
    program = seccomp.program(machine, execute=False, connect=False)
    assert refused(verdict(program, seccomp.ARCHES[machine], seccomp.EXECVE[machine]))
    assert refused(verdict(program, seccomp.ARCHES[machine], seccomp.CONNECT[machine]), errno.EACCES)


@pytest.mark.parametrize("machine", MACHINES)
def test_other_doors_to_the_kernel_are_shut(machine: int) -> None:
    program = seccomp.program(machine, execute=True, connect=True)
    assert verdict(program, 0x40000003, 20) == seccomp.KILL
    assert refused(verdict(program, seccomp.ARCHES[machine], seccomp.FIRST_UNKNOWN + 100), errno.ENOSYS)
    if machine == 0:
        assert verdict(program, seccomp.ARCHES[machine], 0x40000000 + 39) == seccomp.KILL


HEADERS = (Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"), Path("/usr/include/asm-generic/unistd.h"))
"""The kernel's own lists: x86-64's, and the general one, which is arm64's."""
OLDER = {"sysfs", "ustat", "modify_ldt", "vserver", "uselib", "create_module", "iopl", "ioperm"}
"""Calls that were gone, or an architecture's own, before arm64 came."""
NAMED = {
    "execve": seccomp.EXECVE, "connect": seccomp.CONNECT, "memfd_create": seccomp.MEMFD_CREATE, "clone3": seccomp.CLONE3,
    "clone": seccomp.CLONE, "socket": seccomp.SOCKETS[0], "socketpair": seccomp.SOCKETS[1], "ioctl": seccomp.IOCTL,
    "fcntl": seccomp.FCNTL, "kill": seccomp.KILL_CALL,
}  # fmt: skip


def test_every_call_has_a_number_on_both_machines() -> None:
    assert {name for name, (_, arm) in seccomp.REFUSED.items() if arm is None} == OLDER
    for machine in MACHINES:
        numbers = [pair[machine] for pair in (*seccomp.REFUSED.values(), *NAMED.values()) if pair[machine] is not None]
        assert len(numbers) == len(set(numbers))
        assert all(0 <= number < seccomp.FIRST_UNKNOWN for number in numbers)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernels_headers(machine: int) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed here")
    text = HEADERS[machine].read_text(encoding="utf-8")
    known = {name: int(number) for name, number in re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", text)}
    ours = {name: pair[machine] for name, pair in (seccomp.REFUSED | NAMED | calls.NUMBERS).items()}
    assert ours == {name: known.get(name) for name in ours}
