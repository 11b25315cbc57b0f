"""System calls that the standard library has no function for, made by number.

`ctypes` would take 2 ms to import, of the 90 that a small order takes; what it is made of takes a
quarter of that. It is imported once, in the worker, before the first fork.
"""

from __future__ import annotations

import _ctypes
import os


class _Long(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001 (as ctypes does)
    _type_ = "l"


class _Char(_ctypes._SimpleCData):  # type: ignore[type-arg]  # noqa: SLF001
    _type_ = "c"


class _Function(_ctypes.CFuncPtr):
    _flags_ = _ctypes.FUNCFLAG_CDECL | _ctypes.FUNCFLAG_USE_ERRNO
    _restype_ = _Long


_libc = _ctypes.dlopen(None, os.RTLD_NOW)  # type: ignore[arg-type]  # None: what is loaded already
_syscall = _Function(_ctypes.dlsym(_libc, "syscall"))
_prctl = _Function(_ctypes.dlsym(_libc, "prctl"))


class Buffer:
    """Bytes that keep their address, for structures that point at others."""

    def __init__(self, data: bytes) -> None:
        self._data = bytearray(data)
        self._first = _Char.from_buffer(self._data)
        self.address = _ctypes.addressof(self._first)


def call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call: integers of 32 bits, bytes for pointers to them. Raises OSError."""
    return _checked(_syscall(number, *arguments))


def prctl(option: int, *arguments: int) -> int:
    """Change something about this process. Raises OSError."""
    return _checked(_prctl(option, *arguments))


def _checked(result: int) -> int:
    if result == -1:
        code = _ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
