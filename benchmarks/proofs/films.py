"""Animations at random through the worker's pipeline, judged frame by frame."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from support.filming import apngs, gifs, reading, webps
from support.filming.film import apart, exact, shown_for, timeline
from support.pictures import Bench

from proofs import browser_frames, chromium

if TYPE_CHECKING:
    from support.filming.film import Film, Timeline

    from proofs.browser_frames import Shown

MAKERS = {"gif": gifs.make, "apng": apngs.make, "webp": webps.make}
MEDIA = {"gif": "image/gif", "apng": "image/png", "webp": "image/webp", "png": "image/png"}
OUTPUTS = [
    {"format": "png", "animated": True},
    {"format": "webp", "animated": True, "lossless": True},
]
ROUNDING = 2.0
"""Of 255, where colours are blended, each time rounded to 8 bits; libwebp rounds down."""


@dataclass(frozen=True)
class Made:
    """A film, its file, and the APNG and the WebP that the worker makes of it."""

    name: str
    kind: str
    film: Film
    source: bytes
    outputs: tuple[bytes, bytes]


@dataclass
class Found:
    """What came of all films; `largest` are differences, `asked` animations shown to Chromium."""

    films: int = 0
    frames: int = 0
    asked: int = 0
    chromium: str | None = None
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    features: Counter[str] = field(default_factory=Counter)
    largest: Counter[str] = field(default_factory=Counter)

    def judge(self, name: str, judge: str, film: Film, shown: Timeline | None) -> None:
        """Compare what is shown with what the film is to show."""
        difference = 255.0 if shown is None else apart(timeline(film), shown)
        group = f"{judge}, {'blended' if film.blends else 'not blended'}"
        self.largest[group] = max(self.largest[group], round(difference, 2))  # type: ignore[assignment]  # a Counter's types are int
        if difference > (ROUNDING if film.blends else 0):
            self.wrong.append(f"{name}, {judge}: {difference:.1f} of 255")

    def figures(self) -> dict[str, Any]:
        """As a record has them."""
        return {
            "films": self.films,
            "frames": self.frames,
            "features": dict(sorted(self.features.items())),
            "largestDifferences": dict(sorted(self.largest.items())),
            "chromium": self.chromium,
            "animationsShownToChromium": self.asked,
            "wrong": self.wrong,
            "seconds": round(self.seconds, 1),
        }


def tried(seed: int, each: int, folder: Path, *, ask_chromium: bool) -> Found:
    """Make so many films of each kind, and judge them. Raises NoChromiumError."""
    found, began = Found(), time.monotonic()
    made = [
        _made(seed, kind, number, Bench(_new(folder))) for kind in MAKERS for number in range(each)
    ]
    for one in made:
        found.films += 1
        found.frames += len(one.film.frames)
        found.features.update(f"{one.kind}, {feature}" for feature in one.film.features)
        found.judge(
            one.name, "our APNG read by the test", one.film, timeline(reading.read(one.outputs[0]))
        )
    if ask_chromium:
        found.chromium = chromium.version()
        _ask_chromium(found, made)
    found.seconds = time.monotonic() - began
    return found


def _new(folder: Path) -> Path:
    new = folder / str(len([*folder.iterdir()]))
    new.mkdir()
    return new


def _made(seed: int, kind: str, number: int, bench: Bench) -> Made:
    name = f"{seed} {kind} {number}"
    source, film = MAKERS[kind](Random(name))
    png, webp = bench.process(source, *OUTPUTS).outputs
    return Made(name, kind, film, source, (_contents(png.path), _contents(webp.path)))


def _contents(path: str) -> bytes:
    return Path(path).read_bytes()


def _ask_chromium(found: Found, made: list[Made]) -> None:
    """Its frames of the sources test the tests' compositor; those of the outputs, the worker."""
    for judge, files in (
        ("Chromium's source", [(MEDIA[one.kind], one.source) for one in made]),
        ("our APNG in Chromium", [(MEDIA["png"], one.outputs[0]) for one in made]),
        ("our WebP in Chromium", [(MEDIA["webp"], one.outputs[1]) for one in made]),
    ):
        for one, shown in zip(made, browser_frames.shown(files), strict=True):
            found.asked += 1
            found.judge(one.name, judge, one.film, _timeline(shown))


def _timeline(frames: list[Shown] | None) -> Timeline | None:
    if not frames:
        return None
    ends = accumulate(shown_for(round(frame.milliseconds)) for frame in frames)
    canvases = [[exact(pixel) for pixel in frame.pixels] for frame in frames]
    return list(zip(ends, canvases, strict=True))
