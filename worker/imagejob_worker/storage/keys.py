"""Object keys: used byte for byte, or rejected.

Servers may drop a slash at either end, or resolve what looks like a path; a folder would resolve
`..` and fold `//`. One rule for both kinds of store, checked before either sees the key.
"""

from __future__ import annotations

from typing import Literal

from imagejob_worker.contract.failures import ItemFailure, Reason

MOST_BYTES = 1024  # S3's limit


def fault(key: str) -> str | None:
    """Return why `key` can't name an object; None if it can."""
    if not key:
        return "is empty"
    if len(key.encode()) > MOST_BYTES:
        return f"is longer than {MOST_BYTES} bytes"
    if any(character < " " or character == "\x7f" for character in key):
        return "holds a control character"
    parts = key.split("/")
    if "" in parts:
        return "starts or ends with a slash, or has two in a row"
    if "." in parts or ".." in parts:
        return "has a segment that is . or .."
    return None


def joined(prefix: str, key: str) -> str:
    """Join a store's prefix and a key with exactly one slash.

    Without the slash, the key `-b/x` under the prefix `team` would reach into `team-b/`.
    """
    return f"{prefix.removesuffix('/')}/{key}" if prefix else key


def check(key: str, doing: Literal["read", "write"]) -> None:
    """Reject a key that can't name an object; no retry changes that. Raises ItemFailure."""
    if wrong := fault(key):
        reason: Reason = "SourceNotFound" if doing == "read" else "AccessDenied"
        raise ItemFailure(reason, f"the key {key!r} can't name an object: it {wrong}")
