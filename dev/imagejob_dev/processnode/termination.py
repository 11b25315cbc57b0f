"""The termination message: the end of a file that the container wrote, or of its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MESSAGE_BYTES = 4096  # the kubelet's limits
LOG_BYTES, LOG_LINES = 2048, 80


def message(file: Path, log: Path, *, from_log: bool) -> str:
    """The end of `file`; of `log` if that is empty and `from_log` (the pod asks, and it failed)."""
    text = _end(file, MESSAGE_BYTES)
    if text or not from_log:
        return text
    return "".join(_end(log, LOG_BYTES).splitlines(keepends=True)[-LOG_LINES:])


def _end(file: Path, limit: int) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - limit))
        return stream.read(limit).decode("utf-8", "replace")
