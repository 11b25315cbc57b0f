"""Runs a seccomp program as the kernel would, on any system call of any architecture."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from imagejob_worker.sandbox.syscall_filter import OWN_PROCESS, Instruction

PROCESS = 4711  # the number of the process that the program is run for
DATA = struct.Struct("<iIQ6Q")  # struct seccomp_data


def verdict(
    program: Sequence[Instruction], audit: int, number: int, arguments: Sequence[int] = ()
) -> int:
    """Return what the kernel is told to do."""
    words = [PROCESS if word == OWN_PROCESS else word for word in arguments]
    words += [0] * (6 - len(words))
    data = DATA.pack(number, audit, 0, *words)
    at, loaded = 0, 0
    while True:
        code, value, yes, no = program[at]
        value = PROCESS if value == OWN_PROCESS else value
        at += 1
        match code:
            case 0x20:
                (loaded,) = struct.unpack_from("<I", data, value)
            case 0x15:
                at += yes if loaded == value else no
            case 0x35:
                at += yes if loaded >= value else no
            case 0x45:
                at += yes if loaded & value else no
            case 0x06:
                return value
            case _:
                raise ValueError(f"an instruction that is not used here: {code:#x}")
