"""The log on standard error: one line for each item, for people. It never holds a secret."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from imagejob_worker.contract import report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.order import Item, Output

_EXTENSIONS = {"jpeg": "jpg"}


def say(message: str) -> None:
    """Write one line; characters that could break or colour a terminal's line are escaped."""
    printable = "".join(
        character if character.isprintable() else repr(character)[1:-1] for character in message
    )
    # One write for each line, so that lines of several threads don't mix.
    sys.stderr.write(f"{printable}\n")


def write(item: Item, entry: report.Entry) -> None:
    """Log the end of an item."""
    say(described(item, entry))


def described(item: Item, entry: report.Entry) -> str:
    """Describe an entry in one line."""
    if isinstance(entry, report.Failed):
        return f"{item.uid} failed in {entry.milliseconds} ms: {entry.reason}: {entry.message}"
    if isinstance(entry, report.Needs):
        return f"{item.uid} needs {_size(entry.memory)} of memory, more than it may have here"
    made = ", ".join(_outputs(item.outputs, entry.outputs))
    return f"{item.uid} done in {entry.milliseconds} ms: {made}"


def _outputs(asked: Sequence[Output], made: Sequence[report.Output]) -> list[str]:
    return [
        f"{output.name}.{_extension(file.format)} {file.width}x{file.height} {_size(file.bytes)}"
        for output, file in zip(asked, made, strict=True)
    ]


def _extension(format_: int) -> str:
    name = report.FORMATS[format_]
    return _EXTENSIONS.get(name, name)


def _size(size: int) -> str:
    if size < 1024:
        return f"{size} B"
    return f"{size / 1024:.1f} KiB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MiB"
