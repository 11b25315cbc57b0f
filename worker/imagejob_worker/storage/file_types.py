"""What may stand on a volume where a file is looked for."""

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


class NoFileError(OSError):
    """Something else stands where a file is looked for; the message says what."""


def kind(mode: int) -> str | None:
    """Name what isn't a file; None for a file, and for a symbolic link, which `open` refuses."""
    return next((name for matches, name in _KINDS if matches(mode)), None)


def check(mode: int) -> None:
    """Raise NoFileError for what isn't a file."""
    if name := kind(mode):
        raise NoFileError(f"it is {name}")


def status(leaf: str, folder: int) -> os.stat_result | None:
    """Look at what is there, without opening it: that of a device can do anything."""
    try:
        return os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
