"""The plots of what ImageJobs cost on a real node, where pods take time to start."""

from __future__ import annotations

from statistics import median_high
from typing import TYPE_CHECKING

from benchplots.charts import bar, lying
from benchplots.style import BLUE, FAINT, GREY, INK, ORANGE, SKY, plot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchplots.found import Latency, NodeParts, Part, Photos

COLOURS = (BLUE, GREY, ORANGE)
"""Of the sides, in the order in which they were measured: ours is the first."""


def photos(part: Part[dict[str, list[Photos]]]) -> Figure:
    """Seconds for all photos, by side; with several runs, from the quickest to the slowest too."""
    sides = part.figures
    ours = next(iter(sides.values()))
    figure, axes = plot(2.3, f"Seconds for {ours[0].count:,} photos on one node")
    usual = _middle(ours)
    for (side, runs), colour in zip(sides.items(), COLOURS, strict=True):
        times = [run.seconds for run in runs]
        ratio = "" if runs is ours else f", {_middle(runs) / usual:.1f} × ours"
        bar(axes, side, _middle(runs), times, colour, f"{_middle(runs):.1f} s{ratio}")
    lying(axes)
    return figure


def latency(parts: NodeParts) -> Figure:
    """Every one that was timed, and where half and 95 % of each kind are done."""
    rows = _rows(parts)
    figure, axes = plot(0.9 + 0.5 * len(rows), "Seconds from apply to done, one by one")
    for (name, found), colour in zip(rows.items(), (BLUE, GREY, SKY, ORANGE), strict=False):
        axes.scatter(
            found.seconds, [name] * len(found.seconds), marker="|", s=130, color=colour, linewidth=1
        )
        _mark(axes, name, found.p50, "p50")
        _mark(axes, name, found.p95, "p95")
    lying(axes)
    axes.set_ylim(len(rows) - 0.4, -0.7)
    return figure


def _rows(parts: NodeParts) -> Mapping[str, Latency]:
    rows = {}
    if parts.idle:
        rows["one ImageJob, node idle"] = parts.idle.figures.ours
        rows["one bare Job, node idle"] = parts.idle.figures.bare
    if parts.trickle:
        rows["one ImageJob a second"] = parts.trickle.figures.batched
        rows["the same, none may share"] = parts.trickle.figures.single
    return rows


def _mark(axes: Axes, name: str, seconds: float, what: str) -> None:
    axes.plot([seconds], [name], marker="d", markersize=5, color=INK)
    axes.annotate(
        f"{what} {seconds:.2f}",
        (seconds, name),
        xytext=(0, 8),
        textcoords="offset points",
        ha="right" if what == "p50" else "left",
        color=FAINT,
        fontsize=8,
    )


def _middle(runs: Sequence[Photos]) -> float:
    """Of the run that counts."""
    return median_high([run.seconds for run in runs])
