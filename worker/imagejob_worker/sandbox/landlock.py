"""Landlock: the kernel refuses a child all files, TCP, signals and abstract sockets.

No rule allows anything, for everything is open before. See linux/landlock.h.
"""

from __future__ import annotations

import os
import struct
from typing import Final

from imagejob_worker.sandbox import kernel

# The same numbers on all architectures.
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_VERSION: Final = 1

# What each version of the interface added: bits of files, of TCP ports, and of scopes. The last
# that is known here is 7, which added none.
_ADDED: Final[dict[int, tuple[int, int, int]]] = {
    1: (0x1FFF, 0, 0),  # execute, write, read, list, remove, make
    2: (0x2000, 0, 0),  # link or rename to another folder
    3: (0x4000, 0, 0),  # truncate
    4: (0, 0x3, 0),  # bind, connect
    5: (0x8000, 0, 0),  # ioctl of devices
    6: (0, 0, 0x3),  # abstract Unix sockets, signals
}


def version() -> int:
    """Return the version of the kernel's interface; 0 where it has none."""
    try:
        return kernel.call(_CREATE_RULESET, None, 0, _VERSION)
    except OSError:  # a kernel without it, one started without it, or a filter above us
        return 0


def handled(version: int) -> bytes:
    """Return a struct landlock_ruleset_attr of all that this version can refuse."""
    known = [bits for since, bits in _ADDED.items() if since <= version]
    files, ports, scopes = (sum(column) for column in zip(*known, strict=True))
    # A kernel takes a longer structure than its own if the rest is zero.
    return struct.pack("=QQQ", files, ports, scopes)


def restrict(ruleset: bytes) -> None:
    """Refuse it to this process for good. It must have given up new privileges. Raises OSError."""
    file = kernel.call(_CREATE_RULESET, ruleset, len(ruleset), 0)
    try:
        kernel.call(_RESTRICT_SELF, file, 0)
    finally:
        os.close(file)
