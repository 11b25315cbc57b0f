"""Hostile files, each in an order with good items: it fails with its reason, and they succeed.

Real worker processes, two items at once. specimens.hostile makes the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import worker_process
from support.specimens import hostile, jpeg, marks, png, reading
from support.specimens.hostile import SAFE, Hostile
from support.worker_process import Ended, Run, Workplace

CORPUS = hostile.corpus()
BATCH = 12  # hostile items in an order; a good one follows every third, so 16 in all
MEMORY = 256 << 20
LARGE = 2816 << 20  # for those that ask for more by their headers
NEEDS_MEMORY = "NeedsMemory"
A_WORKER = 64 << 20  # with the image libraries loaded; a child may have MEMORY in addition
MOST_OF_A_PROCESS = MEMORY + A_WORKER
MOST_OF_ALL = 2 * MOST_OF_A_PROCESS
TIMEOUT = 10  # a few seconds more than the slowest takes on a busy machine
OUTPUTS: list[dict[str, Any]] = [
    {"name": "small", "width": 64, "height": 64, "format": "png"},
    {"name": "full", "format": "webp", "quality": 60},
]
MOVING = [{"name": "moving", "format": "webp", "animated": True, "width": 32}]
FILES = {False: ["full.webp", "small.png"], True: ["moving.webp"]}
"""The outputs of an accepted file, by whether it is animated."""


@dataclass(frozen=True)
class Batch:
    """One order's run: how each of its hostile files and all its good ones ended."""

    run: Run
    ended: dict[str, Ended | None]
    good: list[Ended | None]
    place: Workplace


class Batches:
    """Runs each order when the first of its files is asked for."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._done: dict[int, Batch] = {}

    def of(self, case: Hostile) -> Batch:
        number = CORPUS.index(case) // BATCH
        if number not in self._done:
            cases = CORPUS[number * BATCH : (number + 1) * BATCH]
            self._done[number] = run(cases, Workplace(self._root / str(number)))
        return self._done[number]


def run(cases: list[Hostile], place: Workplace) -> Batch:
    items, good = [], set()
    for number, case in enumerate(cases):
        place.put("box", case.name, case.make())
        outputs = MOVING if case.animated else OUTPUTS
        limits = {
            "maxBytes": hostile.MAX_BYTES,
            "maxPixels": hostile.MAX_PIXELS,
            "maxFrames": hostile.MAX_FRAMES,
        }
        items.append(worker_process.item(case.name, outputs, limits=limits, timeoutSeconds=TIMEOUT))
        if number % 3 == 2 or number == len(cases) - 1:
            key = f"good-{number}"
            place.put("box", key, GOOD)
            good.add(len(items))
            items.append(worker_process.item(key, OUTPUTS))
    order = worker_process.order(items, childMemoryBytes=MEMORY, parallelism=2)
    result = place.run(order)
    assert len(result.ended) == len(items), result.log
    ends = dict(zip((item["uid"] for item in items), result.ended, strict=True))
    larger = [item for item in items if (end := ends[item["uid"]]) and end.reason == NEEDS_MEMORY]
    if larger:
        ends |= with_memory(larger, place)
    return Batch(result, ends, [result.ended[at] for at in sorted(good)], place)


def with_memory(items: list[dict[str, Any]], place: Workplace) -> dict[str, Ended | None]:
    """Run those whose headers ask for it once more, as the operator would."""
    result = place.run(worker_process.order(items, childMemoryBytes=LARGE, parallelism=2))
    assert result.largest <= LARGE + A_WORKER
    return dict(zip((item["uid"] for item in items), result.ended, strict=True))


GOOD = jpeg.with_segments(
    jpeg.encode(Image.linear_gradient("L").convert("RGB")),
    jpeg.segment(jpeg.COM, marks.mark("good")),
)


@pytest.fixture(scope="module")
def batches(tmp_path_factory: pytest.TempPathFactory) -> Batches:
    return Batches(tmp_path_factory.mktemp("hostile"))


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_a_hostile_file_ends_with_its_reason_and_leaves_clean_outputs_or_none(
    batches: Batches, case: Hostile
) -> None:
    batch = batches.of(case)
    end = batch.ended[case.name]

    assert end is not None, batch.run.log
    assert end.reason in case.outcomes, end
    assert bool(end.message) == (end.reason != SAFE)
    assert end.milliseconds <= (TIMEOUT + 1) * 1000
    assert [other and other.reason for other in batch.good] == [SAFE] * len(batch.good)
    assert batch.run.exit_code == 0, batch.run.log
    assert batch.run.largest <= MOST_OF_A_PROCESS
    assert batch.run.tree <= MOST_OF_ALL
    folder = batch.place.stores / "box" / "out" / case.name
    made = sorted(path.name for path in folder.rglob("*"))
    assert made == ([] if end.reason != SAFE else FILES[case.animated])
    for path in folder.rglob("*"):
        assert_clean(path)


def assert_clean(path: Path) -> None:
    data = path.read_bytes()
    contents = reading.read({".png": "png", ".webp": "webp"}[path.suffix], data)

    assert contents.extras == ()
    assert contents.icc == b""
    assert marks.leaks(data) == []


SOUND = {case.name: case for case in CORPUS}["png-solid-at-the-limit"].make
SLOW = [{"name": f"out-{number}", "format": "webp"} for number in range(16)]


@pytest.mark.parametrize(
    ("reason", "memory", "seconds", "outputs"),
    [
        (NEEDS_MEMORY, 32 << 20, 60, [{"name": "out", "width": 9, "format": "webp"}]),
        (NEEDS_MEMORY, 192 << 20, 60, [{"name": "out", "format": "jpeg", "quality": 100}]),
        (NEEDS_MEMORY, 256 << 20, 60, [{"name": "out", "format": "avif", "quality": 100}]),
        ("TimedOut", 2 << 30, 1, SLOW),
    ],
    ids=["to-decode", "to-encode-jpeg", "to-encode-avif", "time"],
)
def test_a_sound_picture_that_takes_too_much_ends_with_that_reason(
    tmp_path: Path, reason: str, memory: int, seconds: int, outputs: list[dict[str, Any]]
) -> None:
    place = Workplace(tmp_path / "pod")
    place.put("box", "large", SOUND())
    place.put("box", "good", GOOD)
    items = [
        worker_process.item("large", outputs, timeoutSeconds=seconds),
        worker_process.item("good", OUTPUTS),
    ]

    result = place.run(worker_process.order(items, childMemoryBytes=memory))

    assert [end and end.reason for end in result.ended] == [reason, SAFE]
    assert result.largest <= memory + A_WORKER


def test_the_corpus_is_large_and_named() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS) >= 300


def test_no_format_is_opened_that_the_platform_does_not_allow(tmp_path: Path) -> None:
    place, cases = Workplace(tmp_path / "pod"), hostile.unlisted()
    for case in cases:
        place.put("box", case.name, case.make())
    place.put("box", "good", GOOD)
    items = [worker_process.item(key, OUTPUTS) for key in [case.name for case in cases] + ["good"]]

    result = place.run(worker_process.order(items, formats=["jpeg"]))

    reasons = [end and end.reason for end in result.ended]
    assert reasons == ["UnsupportedFormat"] * len(cases) + [SAFE]


def test_a_sound_picture_of_every_allowed_format_is_no_false_alarm(tmp_path: Path) -> None:
    """A worker that rejects everything would pass most of the tests above."""
    place = Workplace(tmp_path / "pod")
    cases = [
        *hostile.unlisted(),
        hostile.Hostile("png", lambda: png.encode(Image.new("P", (9, 9))), frozenset()),
    ]
    for case in cases:
        place.put("box", case.name, case.make())

    result = place.run(
        worker_process.order([worker_process.item(case.name, OUTPUTS) for case in cases])
    )

    assert [end and end.reason for end in result.ended] == [SAFE] * len(cases)
