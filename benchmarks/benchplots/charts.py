"""The plots of docs/scaling.md: each from what one benchmark found, or of several of its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchplots.style import BLUE, FAINT, GREEN, GREY, INK, ORANGE, PURPLE, RED, plot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from benchplots.found import Burst, Calm, Growth, Part, Step

MIB = 1024 * 1024
SIDES = {
    "imagejob": ("imagejob-operator", BLUE),
    "bare Jobs": ("bare Jobs", GREY),
    "kopf": ("simplest kopf operator", ORANGE),
}
"""As they are named and coloured; the first stands at the top."""


def burst(part: Part[Burst]) -> Figure:
    """ImageJobs/s of each side; with several runs, from the slowest to the fastest of them too."""
    found = part.figures
    ours = found.middle("imagejob")
    figure, axes = plot(2.3, f"A burst of {ours.count:,} ImageJobs: finished a second")
    for side, (name, colour) in SIDES.items():
        run, rates = found.middle(side), [each.per_second for each in found.runs[side]]
        ratio = "" if side == "imagejob" else f", ours {ours.per_second / run.per_second:.1f} ×"
        bar(axes, name, run.per_second, rates, colour, f"{run.per_second:.0f} /s{ratio}")
    limit = part.limit("ImageJobs/s")
    axes.axvline(limit, color=RED, linestyle=(0, (4, 3)), linewidth=1.1)
    _note(axes, f"target: {limit:g} /s", (limit, 1.0), (4, 2))
    lying(axes)
    return figure


def times(part: Part[Growth]) -> Figure:
    """Milliseconds for each ImageJob, against how many there are."""
    runs, base = part.figures.runs, part.figures.base
    counts = [run.count for run in runs]
    waited = [run.seconds / run.count * 1e3 for run in runs]
    spent = [run.cpu_seconds["operator"] / run.count * 1e3 for run in runs]
    figure, axes = plot(3.1, "Time per ImageJob, by how many are applied at once")
    axes.plot(counts, waited, color=BLUE, marker="o", label="time from first to last, divided")
    axes.plot(counts, spent, color=ORANGE, marker="s", label="the operator's CPU time")
    limit = part.limit("time per ImageJob") * base.seconds / base.count * 1e3
    axes.hlines(limit, base.count, counts[-1], color=RED, linestyle=(0, (4, 3)), linewidth=1.1)
    factor = part.limit("time per ImageJob")
    _note(axes, f"limit: {factor:g} × that at {base.count:,}", (base.count, limit), (0, 4))
    axes.set_ylim(0, max(*waited, limit) * 1.18)
    axes.set_ylabel("milliseconds")
    axes.legend(loc="lower right", labelcolor=INK)
    _by_count(axes, counts)
    return figure


def memory(growth: Part[Growth], calm: Part[Calm] | None) -> Figure:
    """The operator's peak, against how many there are and what becomes of them."""
    runs, last = growth.figures.runs, growth.figures.runs[-1].count
    figure, axes = plot(3.3, "The operator's memory, by how many ImageJobs there are")
    peaks = [run.operator_peak_bytes / MIB for run in runs]
    axes.plot(
        [run.count for run in runs], peaks, color=BLUE, marker="o", label="finish as they come"
    )
    limits = {last: growth.limit("RSS, all unfinished")}
    stuck = growth.figures.unfinished_peak_bytes / MIB
    _point(axes, (last, stuck), ORANGE, "D", "none finishes", (-16, -4))
    counts, highest = [run.count for run in runs], [*peaks, stuck]
    if calm:
        waits, done = calm.figures.calm, calm.figures.history
        at = (waits.throttled, waits.peak / MIB)
        _point(axes, at, PURPLE, "s", "all wait for the quota", (18, -4))
        at = (done.finished, done.peak / MIB)
        _point(axes, at, GREEN, "^", "all finished before it starts", (0, -17))
        limits[done.finished] = calm.limit("RSS among the finished")
        counts, highest = [*counts, done.finished], [*highest, waits.peak / MIB]
    for count, limit in limits.items():
        axes.hlines(limit, count / 1.25, count * 1.25, color=RED, linewidth=1.4)
        _note(axes, f"limit: {limit:g}", (count, limit), (-20, 5))
    axes.set_ylim(0, max(*highest, *limits.values()) * 1.15)
    axes.set_ylabel("MiB")
    axes.legend(loc="upper left", labelcolor=INK)
    _by_count(axes, counts)
    return figure


def waiting(steps: Sequence[Step]) -> Figure:
    """The operator's CPU time for each ImageJob that comes to wait, against how many do already."""
    figure, axes = plot(2.6, "CPU time of the operator per ImageJob that comes to wait")
    names = [f"{step.before:,} to {step.after:,}" for step in steps]
    bars = axes.bar(names, [step.millis for step in steps], color=BLUE, width=0.6)
    axes.bar_label(bars, fmt="%.1f ms", padding=3)
    axes.margins(y=0.15)
    axes.set_xlabel("the line of those who wait for their namespace's quota grows from … to")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(length=0)
    return figure


def _point(
    axes: Axes,
    at: tuple[int, float],
    colour: str,
    marker: str,
    label: str,
    offset: tuple[float, float],
) -> None:
    """A count and its MiB, which are written beside it, so many points off."""
    count, mib = at
    axes.plot([count], [mib], color=colour, marker=marker, markersize=8, linewidth=0, label=label)
    axes.annotate(f"{mib:.0f}", at, xytext=offset, textcoords="offset points", ha="center")


def _note(axes: Axes, text: str, at: tuple[float, float], offset: tuple[float, float]) -> None:
    """Beside a line; where `at` has 1.0 for a bar chart's top, that is the top of the plot."""
    where = axes.get_xaxis_transform() if at[1] == 1.0 else axes.transData
    axes.annotate(
        text,
        at,
        xycoords=where,
        xytext=offset,
        textcoords="offset points",
        color=FAINT,
        fontsize=8.5,
    )


def bar(
    axes: Axes, name: str, middle: float, every: Sequence[float], colour: str, text: str
) -> None:
    """Of one side: the run that counts, the span of `every` run if there are several, a text."""
    axes.barh(name, middle, color=colour, height=0.62)
    if len(every) > 1:
        axes.hlines(name, min(every), max(every), color=INK, linewidth=1.2)
    axes.annotate(text, (max(every), name), xytext=(6, 0), textcoords="offset points", va="center")


def lying(axes: Axes) -> None:
    """Bars lie: names at the left, the first at the top, figures written beside them."""
    axes.invert_yaxis()
    axes.margins(x=0.22)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")


def _by_count(axes: Axes, counts: Sequence[int]) -> None:
    """Each doubling is one step to the right."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_xlabel("ImageJobs")
    axes.grid(axis="y")
