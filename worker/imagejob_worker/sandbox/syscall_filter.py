"""The system calls that a child may make, and the seccomp program that holds it to them.

What decoding and encoding need was recorded (tests/component/worker/test_wall_recorded.py, which
keeps this list as short as it is). Everything is loaded and opened before: nothing here opens a
file, makes a socket, starts a program, or reaches another process. Whatever isn't listed kills.
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from imagejob_worker.sandbox.syscall_numbers import X86_64

if TYPE_CHECKING:
    from imagejob_worker.sandbox.syscall_numbers import Machine

KILL: Final = 0x8000_0000  # the whole process
ERRNO: Final = 0x0005_0000
ALLOW: Final = 0x7FFF_0000

PROT_EXEC: Final = 4
AT_EMPTY_PATH: Final = 0x1000
F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC = 1, 2, 3, 1030
FIOCLEX: Final = 0x5451
PR_SET_NAME: Final = 15


class Argument(NamedTuple):
    """A condition on one argument: it is one of `values`, or has none of the bits of `without`."""

    at: int
    values: tuple[int, ...] = ()
    without: int = 0
    is_pointer: bool = False  # of 64 bits; the kernel looks at 32 of the others


OWN_PROCESS: Final = 0xFFFF_FFFF
"""Stands for the process's own number, which only the child knows. No process has this one."""

ALLOWED: Final = (
    *("read", "pread64", "write", "writev", "lseek", "ftruncate", "fstat", "close"),
    *("brk", "munmap", "mremap"),
    *("futex", "sched_getaffinity", "rt_sigprocmask", "restart_syscall"),
    *("clock_gettime", "clock_getres", "gettimeofday"),
    *("getpid", "gettid", "getrandom", "sysinfo", "exit_group"),
)

CHECKED: Final[dict[str, tuple[Argument, ...]]] = {
    "mmap": (Argument(2, without=PROT_EXEC),),
    "fcntl": (Argument(1, (F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC)),),
    "tgkill": (Argument(0, (OWN_PROCESS,)),),  # abort() ends itself with it
    "prlimit64": (Argument(0, (0,)), Argument(2, (0,), is_pointer=True)),  # to read its own
}

REFUSED: Final[dict[str, int]] = {
    # Asked for by code that goes on without it: tracebacks want source files, glibc a number from
    # /sys, Python to know whether a file is a terminal. No codec starts a thread as they are called
    # here; one that tried to would go on alone, or say that the image can't be decoded.
    **dict.fromkeys(("open", "openat", "openat2", "readlink", "readlinkat"), errno.EACCES),
    **dict.fromkeys(("stat", "lstat", "access", "faccessat", "faccessat2"), errno.EACCES),
    **dict.fromkeys(("getcwd",), errno.EACCES),
    "newfstatat": errno.EACCES,  # apart from those below
    "statx": errno.ENOSYS,
    "prctl": errno.EINVAL,  # newer C libraries name memory by it, where a kernel can
    "ioctl": errno.ENOTTY,
    **dict.fromkeys(("clone", "clone3"), errno.EAGAIN),
    **dict.fromkeys(("madvise", "mprotect"), errno.EINVAL),  # by malloc(), for other threads
}

UNLESS: Final[dict[str, tuple[Argument, ...]]] = {
    # glibc's fstat(). A path beside the flag would still be looked up: no file is opened by that.
    "newfstatat": (Argument(3, (AT_EMPTY_PATH,)),),
    "prctl": (Argument(0, (PR_SET_NAME,)),),
    "ioctl": (Argument(1, (FIOCLEX,)),),
}
"""Calls of REFUSED that are allowed if an argument is as given here."""


X32: Final = 0x4000_0000
"""From here on, x86-64's other set of numbers, with pointers of 32 bits."""

# Instructions of classic BPF (linux/bpf_common.h). The offsets are of struct seccomp_data.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16


_INSTRUCTION: Final = struct.Struct("=HBBI")
_VALUE_AT: Final = 4


class Instruction(NamedTuple):
    """One instruction: after a test, `yes` or `no` instructions are skipped."""

    code: int
    value: int
    yes: int = 0
    no: int = 0


def assemble(here: Machine) -> list[Instruction]:
    """Return the program for this architecture, with OWN_PROCESS where that number belongs."""
    program = [
        Instruction(_LOAD, _ARCHITECTURE),
        Instruction(_IF_EQUAL, here.audit, yes=1),
        Instruction(_RETURN, KILL),
        Instruction(_LOAD, _NUMBER),
    ]
    if here is X86_64:
        program += [Instruction(_IF_AT_LEAST, X32, no=1), Instruction(_RETURN, KILL)]
    for name in ALLOWED:
        program += _block(here, name, [Instruction(_RETURN, ALLOW)])
    for name, arguments in CHECKED.items():
        program += _block(here, name, _checked(arguments, KILL))
    for name, code in REFUSED.items():
        program += _block(here, name, _checked(UNLESS.get(name), ERRNO | code))
    return [*program, Instruction(_RETURN, KILL)]


class Program:
    """The encoded program. It is made once; each child only adds its own number."""

    def __init__(self, instructions: list[Instruction]) -> None:
        self.length = len(instructions)
        self._template = b"".join(
            _INSTRUCTION.pack(each.code, each.yes, each.no, each.value) for each in instructions
        )
        self._own = [
            at * _INSTRUCTION.size + _VALUE_AT
            for at, each in enumerate(instructions)
            if each.value == OWN_PROCESS
        ]

    def of(self, process: int) -> bytes:
        """Return an array of struct sock_filter for the process of this number."""
        data = bytearray(self._template)
        for at in self._own:
            struct.pack_into("=I", data, at, process)
        return bytes(data)


def _block(here: Machine, name: str, then: list[Instruction]) -> list[Instruction]:
    """Return what is done for one system call, or nothing where there is none of that name."""
    number = here.calls.get(name)
    return [] if number is None else [Instruction(_IF_EQUAL, number, no=len(then)), *then]


def _checked(arguments: tuple[Argument, ...] | None, otherwise: int) -> list[Instruction]:
    """Return the end of a block: allow if each argument is as it should be."""
    refuse = Instruction(_RETURN, otherwise)
    if arguments is None:
        return [refuse]
    block: list[Instruction] = []
    for argument in arguments:
        offset = _ARGUMENTS + 8 * argument.at
        words = (offset, offset + 4) if argument.is_pointer else (offset,)
        for word in words:  # little-endian, as both architectures are
            block += [Instruction(_LOAD, word), *_tests(argument), refuse]
    return [*block, Instruction(_RETURN, ALLOW)]


def _tests(argument: Argument) -> list[Instruction]:
    """Return tests that skip the next instruction if the loaded word is as it should be."""
    if argument.without:
        return [Instruction(_IF_ANY_BIT, argument.without, no=1)]
    values = argument.values
    # Each match skips the tests that follow and the refusal.
    return [Instruction(_IF_EQUAL, value, yes=len(values) - at) for at, value in enumerate(values)]
