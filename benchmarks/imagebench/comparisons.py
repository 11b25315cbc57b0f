"""The three comparisons: who does what, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagebench import cold, photos, warm
from imagebench.figures import Comparison, Row, Target
from imagebench.processes import MIB
from imagebench.quality import References

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

THUMBNAIL_LIMIT = 1.1  # of the CPU time of the best of three
WEBP_LIMIT = 1.0  # of sharp's
WORKER_LIMIT = 12.0  # times `python -c pass`
WORKER_MEMORY_LIMIT = 60.0  # MiB
# A side that makes larger or worse files than the one it beats hasn't beaten it.
BYTES_LIMIT, DECIBEL_LIMIT = 1.05, 0.5


@dataclass(frozen=True)
class Effort:
    """How often to measure: warm processes, the worker's CPU time, the worker's memory."""

    rounds: int
    runs: int
    watches: int


def thumbnail(effort: Effort, build: Path, folder: Path) -> Comparison:
    """24 MP to 400 px."""
    work = warm.Work(photos.photo(photos.LARGE, build), "jpeg", (400,), 82)
    sides = [warm.OURS, warm.PILLOW, warm.VIPS, warm.SHARP_PLAIN]
    ours, *others = _warm(sides, work, effort.rounds, folder)
    best = min(others, key=lambda row: row.median)
    return Comparison(
        "thumbnail",
        f"24 MP JPEG ({_megabytes(work.source)}) to 400 px",
        [
            "JPEG quality 82, 4:2:0, optimised Huffman tables, no metadata, on all sides",
            "reduced by Lanczos, by Pillow's thumbnail by its default (bicubic)",
            *_how(effort.rounds),
        ],
        [ours, *others],
        [
            Target(
                f"CPU time to {best.side}'s, the best", ours.median / best.median, THUMBNAIL_LIMIT
            ),
            *_quality_targets(ours, best),
        ],
    )


def webp(effort: Effort, build: Path, folder: Path) -> Comparison:
    """24 MP to three sizes of WebP."""
    work = warm.Work(photos.photo(photos.LARGE, build), "webp", (320, 1080, 1920), 80)
    sides = [warm.OURS, warm.SHARP_PLAIN, warm.SHARP_CHAINED]
    ours, sharp, chained = _warm(sides, work, effort.rounds, folder)
    return Comparison(
        "webp",
        f"24 MP JPEG ({_megabytes(work.source)}) to WebP of 320, 1080 and 1920 px",
        [
            "WebP quality 80, method (sharp: effort) 4, no metadata, Lanczos, on all sides",
            "sharp: as in its manual, a pipeline from the file for each size",
            f"{warm.SHARP_CHAINED.name}: all sizes from the pixels of the largest; for information",
            *_how(effort.rounds),
        ],
        [ours, sharp, chained],
        [
            Target("CPU time to sharp's", ours.median / sharp.median, WEBP_LIMIT),
            *_quality_targets(ours, sharp),
        ],
    )


def worker(effort: Effort, build: Path, folder: Path) -> Comparison:
    """The whole process."""
    source = photos.photo(photos.MEDIUM, build)
    found = cold.measure(source, effort.runs, effort.watches, folder)
    cpu = found.worker.median / found.baseline.median
    return Comparison(
        "worker",
        f"start, S3 GET of a 7 MP JPEG ({_megabytes(source)}), to 400 px, S3 PUT, exit",
        [
            f"{' '.join(cold.WORKER[1:])}: medians of {effort.runs} runs of each, in turn",
            "CPU time of the process and its children, by wait4; versitygw's is not in it",
            f"memory: the tree's PSS, most of {found.samples} samples in {effort.watches} runs",
        ],
        [found.worker, found.baseline],
        [
            Target("CPU time to python -c pass", cpu, WORKER_LIMIT),
            Target("peak memory", found.worker.peak / MIB, WORKER_MEMORY_LIMIT, "MiB"),
        ],
    )


PARTS: dict[str, Callable[[Effort, Path, Path], Comparison]] = {
    "thumbnail": thumbnail,
    "webp": webp,
    "worker": worker,
}


def _warm(sides: Sequence[warm.Side], work: warm.Work, rounds: int, folder: Path) -> list[Row]:
    return warm.compare(sides, work, rounds, folder, References(work.source))


def _quality_targets(ours: Row, other: Row) -> list[Target]:
    """What keeps us from winning by making worse pictures."""
    pairs = list(zip(ours.outputs, other.outputs, strict=True))
    return [
        Target(
            f"bytes to {other.side}'s, at worst",
            max(mine.bytes / theirs.bytes for mine, theirs in pairs),
            BYTES_LIMIT,
        ),
        Target(
            f"PSNR below {other.side}'s, at worst",
            max(theirs.psnr - mine.psnr for mine, theirs in pairs),
            DECIBEL_LIMIT,
            "dB",
        ),
    ]


def _how(rounds: int) -> list[str]:
    return [
        f"warm processes, medians of {rounds} rounds in rotating order; CPU time of all threads",
        "memory: the process's largest resident set; dB: PSNR against full decoding and Lanczos",
    ]


def _megabytes(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:.1f} MB"
