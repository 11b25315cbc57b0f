"""The plot of what one ImageJob costs in writes to the API server, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchplots.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RED,
    SKY,
    plot,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchplots.found import Burst, Part, Run

READS = ("get", "list", "watch")
KINDS = {
    "ImageJobs applied": SKY,
    "their statuses": BLUE,
    "Events": ORANGE,
    "Jobs": GREEN,
    "pods": PURPLE,
    "ledgers and quotas": RED,
    "the rest": GREY,
}
"""With their colours, in the order in which they are stacked."""

_BY_RESOURCE = {
    "imagejobs": "their statuses",
    "events": "Events",
    "jobs": "Jobs",
    "pods": "pods",
    "configmaps": "ledgers and quotas",
    "imagequotas": "ledgers and quotas",
}
SHOWN_FROM = 0.045
"""A part is labelled if it is at least so much of the longest bar."""


def writes(part: Part[Burst]) -> Figure:
    """Each side twice: by everybody, and by its operator alone."""
    found = part.figures
    bars = {}
    for side, name in (("imagejob", "imagejob-operator"), ("kopf", "simplest kopf operator")):
        run = found.middle(side)
        bars[f"{name}: everybody"] = by_kind(run.writes, run)
        bars["the operator alone" + " " * len(bars)] = by_kind(run.operator_requests, run)
    run = found.middle("bare Jobs")
    bars["bare Jobs: everybody"] = by_kind(run.writes, run)
    figure, axes = plot(3.6, "Writes to the API server for one ImageJob, by kind")
    _stack(axes, bars)
    axes.legend(
        loc="upper center", bbox_to_anchor=(0.4, -0.1), ncols=4, fontsize=8.5, labelcolor=INK
    )
    return figure


def by_kind(counts: Mapping[str, int], run: Run) -> dict[str, float]:
    """For each ImageJob. `counts` are by verb and resource, such as `patch imagejobs/status`."""
    found = dict.fromkeys(KINDS, 0.0)
    for request, count in counts.items():
        verb, _, resource = request.partition(" ")
        if verb not in READS:
            found[_kind(verb, resource)] += count / run.count
    return found


def _kind(verb: str, resource: str) -> str:
    if (verb, resource) == ("create", "imagejobs"):
        return "ImageJobs applied"
    return _BY_RESOURCE.get(resource.partition("/")[0], "the rest")


def _stack(axes: Axes, bars: Mapping[str, Mapping[str, float]]) -> None:
    names, ends = list(bars), [0.0] * len(bars)
    longest = max(sum(bar.values()) for bar in bars.values())
    for kind, colour in KINDS.items():
        widths = [bar[kind] for bar in bars.values()]
        drawn = axes.barh(
            names, widths, left=ends, color=colour, edgecolor=PAPER, linewidth=0.8, label=kind
        )
        labels = [f"{width:.1f}" if width >= SHOWN_FROM * longest else "" for width in widths]
        axes.bar_label(drawn, labels, label_type="center", fontsize=8, color="#000000")
        ends = [end + width for end, width in zip(ends, widths, strict=True)]
    _totals(axes, names, ends)
    axes.invert_yaxis()
    axes.set_xlim(0, longest * 1.1)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.tick_params(axis="x", labelcolor=FAINT)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _totals(axes: Axes, names: Sequence[str], ends: Sequence[float]) -> None:
    for name, end in zip(names, ends, strict=True):
        axes.annotate(
            f"{end:.1f}",
            (end, name),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontweight="bold",
        )
