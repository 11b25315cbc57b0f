"""A child that an image has taken over can spoil only its own item.

Its result is checked by type and within bounds; its files lead the worker nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from support import lying_worker, worker_process
from support.specimens import jpeg
from support.worker_process import Ended, Run, Workplace

SECRET = "the-secret-that-must-not-be-seen"
BATCH = 8  # each followed by a good item
OUTPUTS = [{"name": "thumb", "width": 8, "format": "png"}]
PHOTO = jpeg.encode(Image.linear_gradient("L").convert("RGB"))

# All others end as Internal: an invalid result is the worker's own fault.
REASONS = {
    "answers-and-fails": {"Internal", "TooLarge"},
    "flood": {"TimedOut"},
    "long-message": {"TooLarge"},
    "message-with-a-report": {"TooLarge"},
    "unknown-kinds": {"Internal"},
    "source-of-2-to-the-31": {"Succeeded", "Internal"},
    "orphan": {"Succeeded"},
    "spin": {"TimedOut"},
    "hang": {"TimedOut"},
    "hoard": {"OutOfMemory"},
    "loosen-limits": {"OutOfMemory"},
    "fill-the-scratch": {"OutOfMemory", "TooLarge", "Internal"},
    "segmentation-fault": {"CorruptImage"},
    "abort": {"CorruptImage"},
    "kill": {"OutOfMemory"},
    "real-time-signal": {"CorruptImage", "Internal"},
}


@dataclass(frozen=True)
class Outcome:
    """How the lies ended, how the good items between them ended, and what was written where."""

    sandbox: str
    lies: dict[str, Ended | None]
    good: list[Ended | None]
    runs: list[Run]
    stores: dict[str, bytes]
    scratch: list[str]


def seconds_for(lie: str) -> int:
    """Only items that never end may run until the deadline."""
    return 1 if REASONS.get(lie) == {"TimedOut"} else 5


@pytest.fixture(scope="module", params=["off", "require"])
def outcome(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Without a wall the worker has only its own checks; behind it most lies can't be prepared."""
    place, names = Workplace(tmp_path_factory.mktemp("lies")), list(lying_worker.LIES)
    place.put("box", lying_worker.SECRET, SECRET.encode())
    place.put("box", "good", PHOTO)
    lies: dict[str, Ended | None] = {}
    good: list[Ended | None] = []
    runs = []
    for start in range(0, len(names), BATCH):
        batch = names[start : start + BATCH]
        items = []
        for name in batch:
            place.put("box", name, PHOTO)
            changes = {"timeoutSeconds": seconds_for(name), "uid": name}
            items.append(worker_process.item(name, OUTPUTS, **changes))
            destination = {"store": "box", "prefix": f"out/good-{name}"}
            items.append(worker_process.item("good", OUTPUTS, destination=destination))
        # One more would make 16, and then the report has its maximum length.
        order = worker_process.order(items[:-1], childMemoryBytes=128 << 20, sandbox=request.param)
        runs.append(place.run(order, program=[lying_worker.__file__]))
        lies |= dict(zip(batch, runs[-1].ended[::2], strict=True))
        good += runs[-1].ended[1::2]
    box = place.stores / "box"
    stores = {
        str(path.relative_to(box)): path.read_bytes() for path in box.rglob("*") if path.is_file()
    }
    scratch = [path.name for path in place.scratch.iterdir()]
    return Outcome(request.param, lies, good, runs, stores, scratch)


@pytest.mark.parametrize("name", lying_worker.LIES)
def test_a_lie_ends_its_own_item(outcome: Outcome, name: str) -> None:
    end = outcome.lies[name]

    assert end is not None, [run.log for run in outcome.runs]
    behind_the_wall = {"CorruptImage", "Internal"} if outcome.sandbox == "require" else set()
    assert end.reason in REASONS.get(name, {"Internal"}) | behind_the_wall, end
    assert end.milliseconds < 6000
    assert end.message.isascii()
    assert not end.message or end.message.isprintable()
    if end.reason != "Succeeded":
        assert not any(key.startswith(f"out/{name}/") for key in outcome.stores)


def test_the_items_beside_them_succeed(outcome: Outcome) -> None:
    assert {end and end.reason for end in outcome.good} == {"Succeeded"}
    assert [run.exit_code for run in outcome.runs] == [0] * len(outcome.runs)


def test_no_secret_gets_out(outcome: Outcome) -> None:
    holders = [key for key, data in outcome.stores.items() if SECRET.encode() in data]
    told = [str(run) for run in outcome.runs if SECRET in str(run)]

    assert holders == [lying_worker.SECRET]
    assert told == []


def test_nothing_is_left_in_the_scratch_folder(outcome: Outcome) -> None:
    assert outcome.scratch == []


def test_the_lying_worker_is_the_worker_otherwise(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "pod")
    place.put("box", "honest", PHOTO)

    result = place.run(
        worker_process.order([worker_process.item("honest", OUTPUTS)]),
        program=[lying_worker.__file__],
    )

    assert [end and end.reason for end in result.ended] == ["Succeeded"]
