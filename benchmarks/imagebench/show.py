"""A comparison as a table for a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagebench.processes import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagebench.figures import Comparison, Row


def lines(comparison: Comparison) -> Iterator[str]:
    """Title, notes, table and targets."""
    yield f"== {comparison.name}: {comparison.title}"
    yield from (f"   {note}" for note in comparison.notes)
    for row in comparison.rows:
        if row.versions:
            named = ", ".join(f"{name} {version}" for name, version in row.versions.items())
            yield f"   {row.side}: {named}"
    yield from aligned([_head(comparison.rows), *_cells(comparison.rows)])
    yield from (f"   {target}" for target in comparison.targets)
    yield ""


def closing(comparisons: Sequence[Comparison]) -> str:
    """All targets on one line."""
    targets = [target for comparison in comparisons for target in comparison.targets]
    missed = sum(not target.met for target in targets)
    verdict = f"{missed} of {len(targets)} targets missed" if missed else "all targets met"
    figures = [
        f"{comparison.name} "
        + ", ".join(f"{target.value:.2f} {target.unit}" for target in comparison.targets)
        for comparison in comparisons
    ]
    return f"bench-worker: {verdict} ({'; '.join(figures)})"


def aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """One line a row: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        yield "   " + "  ".join([first.ljust(widths[0]), *cells]).rstrip()


def _head(rows: Sequence[Row]) -> list[str]:
    outputs = [f"{output.width} px: KB, dB" for output in rows[0].outputs]
    return ["", "CPU ms", "quartiles", "imagejob is", "peak MiB", *outputs]


def _cells(rows: Sequence[Row]) -> Iterator[list[str]]:
    ours = rows[0]
    for row in rows:
        low, high = row.quartiles
        yield [
            row.side,
            f"{row.median * 1e3:.1f}",
            f"{low * 1e3:.1f}-{high * 1e3:.1f}",
            f"{ours.median / row.median:.2f} x" if row is not ours else "",
            f"{row.peak / MIB:.1f}" if row.peak else "",
            *(f"{output.bytes / 1e3:.1f}, {output.psnr:.2f}" for output in row.outputs),
        ]
