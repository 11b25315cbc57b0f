"""What the Python sides share: a loop that does one piece of work for each line that comes in.

The benchmark reads this process's CPU clock before it sends a line and after it gets the answer,
so nothing is printed, logged or checked in between.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Task(NamedTuple):
    """Make `source` as wide as each of `widths`, into `folder`."""

    source: str
    folder: str
    format: str
    widths: list[int]
    quality: int


def serve(versions: dict[str, str], make: Callable[[Task], list[str]]) -> None:
    """Say which versions are at work, then answer each task with the files made for it."""
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        print(json.dumps(make(Task(**json.loads(line)))), flush=True)
