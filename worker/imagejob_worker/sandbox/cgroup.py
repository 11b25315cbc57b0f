"""The memory limit of the container that the worker runs in."""

from __future__ import annotations

from typing import Final

FILES: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Of cgroups version 2, and 1. A container sees its own cgroup there."""

WORKER_BYTES: Final = 64 * 1024 * 1024
"""What the worker itself takes, with its connections."""


def memory_of_a_child(ordered: int, parallelism: int, limit: int | None) -> int:
    """Return the bytes that a child may have: as ordered, unless the container has too few.

    Somebody else may have lowered its limit since. If children then took as much as the order says,
    the kernel would kill the pod.
    """
    if limit is None:
        return ordered
    return max(0, min(ordered, (limit - WORKER_BYTES) // parallelism))


def memory_limit(files: tuple[str, ...] = FILES) -> int | None:
    """Return the container's limit in bytes; None if there is none."""
    for path in files:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read().strip()
        except OSError:
            continue
        return int(text) if text.isdigit() else None
    return None
