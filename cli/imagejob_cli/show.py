"""Prints the results on standard output: objects as kubectl prints them, or a table."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from imagejob_operator.api.meta import API_VERSION
from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .local import Outcome

WIDE = 10_000
"""Columns without a terminal: nothing is wrapped for a program that reads lines."""

NARROW = 110
"""Columns of a terminal with little space."""

_COLUMNS = (
    # Heading, whether it stands on the right, and whether its text may be broken.
    ("NAME", False, False),
    ("PHASE", False, False),
    ("REASON", False, False),
    ("SIZE", False, True),
    ("SAVED", True, False),
    ("OUTPUTS", False, True),
    ("REMOVED", False, True),
    ("TIME", True, False),
)
_COLOURS = {"Succeeded": "green", "Failed": "red"}


def show(outcomes: Sequence[Outcome], output: str) -> None:
    """Print in the format asked for: `yaml`, `json` or `table`."""
    match output:
        case "yaml":
            documents = [_object(outcome) for outcome in outcomes]
            print(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True), end="")
        case "json":
            items = [_object(outcome) for outcome in outcomes]
            whole = {"apiVersion": "v1", "kind": "List", "items": items}
            print(json.dumps(whole, indent=2, ensure_ascii=False))
        case _:
            _print_table(outcomes)


def _object(outcome: Outcome) -> dict[str, Any]:
    meta = outcome.job.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": "ImageJob",
        "metadata": {"name": meta.name, "namespace": meta.namespace},
        "status": msgspec.to_builtins(outcome.status),
    }


def _print_table(outcomes: Sequence[Outcome]) -> None:
    """Print the table, and below it a line for each ImageJob with more to say."""
    console = Console()
    if not console.is_terminal:
        console.width = WIDE
    with_namespace = words.many_namespaces(outcome.job for outcome in outcomes)
    table = _table(outcomes, space=2 if console.width > NARROW else 1)
    with console.capture() as capture:
        console.print(table)
        for outcome in outcomes:
            if text := words.remark(outcome.status):
                line = f"{words.name(outcome.job, with_namespace=with_namespace)}: {text}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _table(outcomes: Sequence[Outcome], space: int) -> Table:
    table = Table(box=None, padding=(0, space, 0, 0), pad_edge=False)
    for heading, right, breaks in _COLUMNS:
        table.add_column(
            heading, justify="right" if right else "left", no_wrap=not breaks, overflow="fold"
        )
    with_namespace = words.many_namespaces(outcome.job for outcome in outcomes)
    for outcome in outcomes:
        table.add_row(*_row(outcome, with_namespace=with_namespace))
    return table


def _row(outcome: Outcome, *, with_namespace: bool) -> list[Text]:
    status = outcome.status
    cells = [
        words.name(outcome.job, with_namespace=with_namespace),
        status.phase or "",
        words.reason(status),
        words.sizes(status),
        words.saved(status),
        ", ".join(output.name for output in status.outputs),
        ", ".join(status.removed_metadata),
        words.seconds(status),
    ]
    row = [Text(cell) for cell in cells]
    row[1].stylize(_COLOURS.get(status.phase or "", "yellow"))
    return row
