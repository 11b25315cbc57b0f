"""System calls that Python has no function for. Only the standard library: it runs in pods, too."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "keyctl": 250,
        "bpf": 321, "mount": 165, "umount2": 166, "setns": 308, "unshare": 272,
        "perf_event_open": 298, "userfaultfd": 323, "io_uring_setup": 425, "pidfd_getfd": 438,
        "openat2": 437, "name_to_handle_at": 303, "open_by_handle_at": 304, "shmget": 29,
        "personality": 135, "fanotify_init": 300, "memfd_create": 319,
        "mq_open": 240,
    },
    "aarch64": {
        "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271, "keyctl": 219,
        "bpf": 280, "mount": 40, "umount2": 39, "setns": 268, "unshare": 97,
        "perf_event_open": 241, "userfaultfd": 282, "io_uring_setup": 425, "pidfd_getfd": 438,
        "openat2": 437, "name_to_handle_at": 264, "open_by_handle_at": 265, "shmget": 194,
        "personality": 92, "fanotify_init": 262, "memfd_create": 279,
        "mq_open": 180,
    },
}  # fmt: skip
CALLS = NUMBERS.get(platform.machine(), {})
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
LIBC.mmap.restype = ctypes.c_void_p


def call(name: str, *arguments: Any) -> int:
    """Make a system call. Raises OSError."""
    return number(CALLS[name], *arguments)


def number(which: int, *arguments: Any) -> int:
    made = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = LIBC.syscall(ctypes.c_long(which), *made)
    return checked(result)


def checked(result: int) -> int:
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
