"""The phases of an ImageJob and the transitions between them, as a diagram.

tests/unit/docs/test_states.py holds the ways to what the operator's own decisions allow.
"""

from __future__ import annotations

import html
from typing import NamedTuple

WIDTH, HEIGHT = 980, 430
BOX = (132, 44)
"""Width and height of a phase."""

PHASES = {
    "Pending": (120, 180),
    "Throttled": (310, 60),
    "Queued": (500, 180),
    "Running": (720, 180),
    "Succeeded": (890, 330),
    "Failed": (500, 370),
}
"""Phase → its centre."""

FILLS = {"Succeeded": "#d7f0dd", "Failed": "#f7dcdc"}
CALM = "#e8eef7"
INK = "#51607a"

FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 font-family="system-ui, sans-serif" font-size="14" fill="#1c2536">
<title>The phases of an ImageJob</title>
<!-- Made by `make generate` from dev/imagejob_docs/states.py. -->
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8"
 orient="auto"><path d="M 0 0 L 10 5 L 0 10 z" fill="{ink}"/></marker></defs>
<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>
{shapes}
</svg>
"""


class Way(NamedTuple):
    """From one phase to another: why, along which path, and where the words stand."""

    start: str
    end: str
    words: tuple[str, ...]
    path: str
    at: tuple[int, int]
    anchor: str = "middle"


WAYS = (
    Way("", "Pending", ("applied",), "M 14 180 L 50 180", (30, 168)),
    Way("Pending", "Throttled", ("QuotaUsedUp",), "M 112 158 Q 130 62 240 56", (128, 70), "end"),
    Way(
        "Throttled",
        "Pending",
        ("suspended,", "store gone"),
        "M 256 82 Q 190 96 160 154",
        (252, 112),
    ),
    Way("Throttled", "Queued", ("Admitted",), "M 376 60 Q 480 66 496 154", (486, 78), "start"),
    Way("Pending", "Queued", ("Admitted",), "M 186 172 L 430 172", (400, 164)),
    Way("Queued", "Pending", ("suspended, store gone",), "M 434 190 Q 310 218 190 190", (240, 222)),
    Way("Queued", "Running", ("Processing",), "M 566 172 L 650 172", (608, 162)),
    Way("Running", "Queued", ("retried,", "Evicted"), "M 654 192 Q 610 214 570 192", (612, 222)),
    Way("Running", "Succeeded", ("Succeeded",), "M 780 202 Q 880 224 888 304", (872, 232), "start"),
    Way(
        "Running",
        "Failed",
        ("a final reason,", "or no attempt left"),
        "M 712 202 Q 690 340 570 366",
        (690, 330),
        "start",
    ),
    Way(
        "Queued", "Failed", ("InvalidSpec, WorkerLost",), "M 500 202 L 500 344", (508, 290), "start"
    ),
    Way(
        "Pending",
        "Failed",
        ("InvalidSpec,", "QuotaExceeded"),
        "M 112 202 Q 140 374 430 376",
        (180, 348),
        "end",
    ),
    Way("Throttled", "Failed", ("InvalidSpec",), "M 312 82 Q 316 340 430 356", (316, 284), "end"),
)


def transitions() -> set[tuple[str, str]]:
    """All pairs of phases that the diagram has an arrow for."""
    return {(way.start, way.end) for way in WAYS if way.start}


def drawing() -> str:
    """The SVG."""
    shapes = [*map(_way, WAYS), *map(_phase, PHASES)]
    return FRAME.format(width=WIDTH, height=HEIGHT, shapes="\n".join(shapes), ink=INK)


def _phase(name: str) -> str:
    x, y = PHASES[name]
    width, height = BOX
    fill = FILLS.get(name, CALM)
    left, top = x - width // 2, y - height // 2
    return "".join(
        [
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="8"',
            f' fill="{fill}" stroke="{INK}"/>',
            f'<text x="{x}" y="{y + 5}" text-anchor="middle" font-weight="600">{name}</text>',
        ]
    )


def _way(way: Way) -> str:
    x, y = way.at
    lines = "".join(
        f'<tspan x="{x}" dy="{16 if number else 0}">{html.escape(line)}</tspan>'
        for number, line in enumerate(way.words)
    )
    return "".join(
        [
            f'<path d="{way.path}" fill="none" stroke="{INK}" stroke-width="1.5"',
            ' marker-end="url(#tip)"/>',
            f'<text x="{x}" y="{y}" text-anchor="{way.anchor}" font-size="12">{lines}</text>',
        ]
    )
