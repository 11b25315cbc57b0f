"""How all plots look: small SVGs, the same bytes for the same figures, for light and dark pages.

The colours are those of Okabe and Ito ("Color Universal Design", 2008), which colour-blind people
tell apart, some of them changed a little so that they show on white and on black. Text stays text:
letters drawn as paths would be most of the file.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

BLUE, SKY, ORANGE, GREEN = "#2b83ba", "#56b4e9", "#e69f00", "#009e73"
PURPLE, RED, GREY = "#cc79a7", "#d55e00", "#8c959f"

INK, FAINT, LINES, PAPER = "#1f2328", "#59636e", "#d1d9e0", "#ffffff"
IN_THE_DARK = {INK: "#e6edf3", FAINT: "#9198a1", LINES: "#3d444d", PAPER: "#0d1117"}
"""What a viewer that prefers dark pages gets instead. The paper is opaque: a page may be of another
mind than its viewer's system."""

WIDTH = 7.2
"""In inches: 518 points of SVG."""

SETTINGS: dict[Any, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "imagejob",  # else names in the file are random
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the layout is the same everywhere
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": FAINT,
    "axes.edgecolor": LINES,
    "axes.facecolor": PAPER,
    "axes.titlecolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.h_pad": 0.12,
    "figure.constrained_layout.w_pad": 0.12,
    "grid.color": LINES,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "xtick.color": LINES,
    "ytick.color": LINES,
    "xtick.labelcolor": FAINT,
    "ytick.labelcolor": FAINT,
}


def plot(height: float, title: str) -> tuple[Figure, Axes]:
    """An empty one, of so many inches, to be drawn within `styled`."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    return figure, axes


def save(figure: Figure, path: Path) -> int:
    """Write it as SVG, within `styled`. Gives its size in bytes."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue().replace("</style>", "".join(_dark_rules()) + "</style>", 1)
    lines = [line.rstrip() for line in text.splitlines()]
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.write_text("\n".join(lines) + "\n")


@contextmanager
def styled() -> Iterator[None]:
    """A context in which plots are drawn and saved, whatever matplotlibrc there is."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def _dark_rules() -> Iterator[str]:
    """Rules that a viewer without them can do without: the plot is then as on a light page."""
    yield "\n@media (prefers-color-scheme: dark) {\n"
    for light, dark in IN_THE_DARK.items():
        for what in ("fill", "stroke"):
            yield f'[style*="{what}: {light}"] {{{what}: {dark} !important}}\n'
    yield "}\n"
