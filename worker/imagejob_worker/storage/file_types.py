"""The type of what a volume has at a key: only regular files are read or replaced."""

from __future__ import annotations

import os
import stat

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotAFileError(OSError):
    """There is something else than a file; the message says what."""


def kind(mode: int) -> str | None:
    """Name what isn't a file; None for a file, and for a symbolic link: O_NOFOLLOW rejects it."""
    return next((name for matches, name in _KINDS if matches(mode)), None)


def check(mode: int) -> None:
    """Raise NotAFileError for what isn't a file."""
    if name := kind(mode):
        raise NotAFileError(f"it is {name}")


def status(leaf: str, folder: int) -> os.stat_result | None:
    """Return its status without opening it: opening a device can do anything."""
    try:
        return os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
