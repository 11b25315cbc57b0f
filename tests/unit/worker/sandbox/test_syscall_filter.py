"""What the seccomp program decides, on both architectures."""

from __future__ import annotations

import errno

import pytest
from imagejob_worker.sandbox.syscall_filter import (
    ALLOW,
    ALLOWED,
    CHECKED,
    ERRNO,
    KILL,
    REFUSED,
    Program,
    assemble,
)
from imagejob_worker.sandbox.syscall_numbers import AARCH64, CALLS, X86_64, Machine
from support.bpf import PROCESS, verdict

MACHINES = [pytest.param(X86_64, id="x86_64"), pytest.param(AARCH64, id="aarch64")]
NAMED = {*ALLOWED, *CHECKED, *REFUSED, "seccomp"}

CASES: list[tuple[str, tuple[int, ...], int]] = [
    ("read", (3, 0, 100), ALLOW),
    ("mmap", (0, 4096, 3, 0x22), ALLOW),
    ("mmap", (0, 4096, 7, 0x22), KILL),
    ("mmap", (0, 4096, 4, 0x22), KILL),
    ("mprotect", (0, 4096, 5), ERRNO | errno.EINVAL),
    ("clone", (0x3D0F00,), ERRNO | errno.EAGAIN),  # as glibc starts a thread
    ("clone", (17,), ERRNO | errno.EAGAIN),  # SIGCHLD: fork()
    ("clone3", (0, 88), ERRNO | errno.EAGAIN),
    ("fcntl", (3, 1030), ALLOW),
    ("fcntl", (3, 8, PROCESS), KILL),  # F_SETOWN
    ("fcntl", (3, 4, 0o20000), KILL),  # F_SETFL
    ("prctl", (15,), ALLOW),
    ("prctl", (4, 1), ERRNO | errno.EINVAL),  # PR_SET_DUMPABLE
    ("prctl", (35,), ERRNO | errno.EINVAL),  # PR_SET_MM
    ("tgkill", (PROCESS, PROCESS, 6), ALLOW),
    ("tgkill", (1, 1, 9), KILL),
    ("tgkill", (PROCESS + 1, PROCESS, 6), KILL),
    ("prlimit64", (0, 9, 0, 1 << 40), ALLOW),
    ("prlimit64", (0, 9, 1 << 40, 0), KILL),  # a pointer whose lower half is zero
    ("prlimit64", (0, 9, 8, 0), KILL),
    ("prlimit64", (1, 9, 0, 8), KILL),
    ("newfstatat", (3, 8, 8, 0x1000), ALLOW),
    ("newfstatat", (-100 & 0xFFFF_FFFF, 8, 8, 0), ERRNO | errno.EACCES),
    ("ioctl", (0, 0x5412), ERRNO | errno.ENOTTY),  # TIOCSTI
    ("ioctl", (0, 0x5401), ERRNO | errno.ENOTTY),  # TCGETS
    ("openat", (-100 & 0xFFFF_FFFF, 8, 0), ERRNO | errno.EACCES),
    ("seccomp", (1, 0, 8), KILL),
]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("name", "arguments", "expected"), CASES)
def test_a_call_is_judged_by_its_arguments(
    machine: Machine, name: str, arguments: tuple[int, ...], expected: int
) -> None:
    found = verdict(assemble(machine), machine.audit, machine.calls[name], arguments)

    assert hex(found) == hex(expected)


@pytest.mark.parametrize("machine", MACHINES)
def test_every_other_number_kills(machine: Machine) -> None:
    program = assemble(machine)
    known = {number for name, number in machine.calls.items() if name in NAMED}

    spared = [
        number
        for number in range(600)
        if number not in known and verdict(program, machine.audit, number) != KILL
    ]

    assert spared == []


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("audit", [0x4000_0003, 0x4000_0028, 0x8000_0016, 0])
def test_every_other_architecture_kills(machine: Machine, audit: int) -> None:
    program = assemble(machine)

    assert {verdict(program, audit, number) for number in range(600)} == {KILL}


def test_the_other_numbers_of_x86_64_kill() -> None:
    program = assemble(X86_64)

    assert {verdict(program, X86_64.audit, 0x4000_0000 | number) for number in range(600)} == {KILL}


def test_each_process_gets_its_own_number() -> None:
    program = Program(assemble(X86_64))

    mine, other = program.of(PROCESS), program.of(PROCESS + 1)

    assert len(mine) == 8 * program.length
    assert mine != other
    assert mine.replace(PROCESS.to_bytes(4, "little"), b"....") == other.replace(
        (PROCESS + 1).to_bytes(4, "little"), b"...."
    )


def test_every_call_of_the_list_has_numbers() -> None:
    assert set(CALLS) == NAMED
    assert len({*ALLOWED, *CHECKED, *REFUSED}) == len(ALLOWED) + len(CHECKED) + len(REFUSED)
