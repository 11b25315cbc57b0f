"""The recorder notes what a child does behind its wall."""

from __future__ import annotations

import errno

import pytest
from imagejob_worker.sandbox.syscall_filter import F_DUPFD_CLOEXEC, OWN_PROCESS
from support.syscall_recorder import refusal, told

PID = F_DUPFD_CLOEXEC


def test_only_what_is_the_process_s_number_is_taken_for_it() -> None:
    assert told("tgkill", [PID, PID, 6], PID) == (OWN_PROCESS, PID, 6)
    assert told("tgkill", [1, PID, 6], PID) == (1, PID, 6)
    assert told("fcntl", [3, F_DUPFD_CLOEXEC, 0], PID) == (3, F_DUPFD_CLOEXEC, 0)


REFUSALS = [
    ("openat", [0, 8, 0], errno.EACCES),
    ("clone3", [8, 88], errno.EAGAIN),
    ("newfstatat", [3, 8, 8, 0], errno.EACCES),
    ("newfstatat", [3, 8, 8, 0x1000], 0),
    ("prctl", [15, 8], 0),
    ("prctl", [4, 1], errno.EINVAL),
    ("read", [3, 8, 8], 0),
    ("connect", [3, 8, 8], 0),  # kills, and is to be seen
]


@pytest.mark.parametrize(("name", "arguments", "code"), REFUSALS)
def test_what_the_wall_refuses_is_refused(name: str, arguments: list[int], code: int) -> None:
    assert refusal(name, arguments) == code
