"""No metadata of a source reaches an output, except what the policy keeps.

Real worker processes make every output format from every source format. Two readers that share no
code with the worker check them: exiv2, and a walk over all parts of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import worker_process
from support.specimens import avif, gif, icc, jpeg, marks, png, reading, tiff, webp
from support.specimens.carriers import CARRIERS
from support.worker_process import Ended, Workplace

PICTURE_SIZE = (80, 48)
MADE = ("jpeg", "png", "webp", "avif")
STUFFED: dict[str, Callable[[Image.Image, bytes], bytes]] = {
    "jpeg": jpeg.stuffed, "png": png.stuffed, "webp": webp.stuffed,
    "avif": avif.stuffed, "gif": gif.stuffed, "tiff": tiff.stuffed,
}  # fmt: skip
CARRIED = {
    "jpeg": {"exif", "gps", "xmp", "iptc", "icc", "comment", "thumbnail", "trailing", "other"},
    "png": {"exif", "gps", "xmp", "icc", "text", "thumbnail", "trailing", "other"},
    "webp": {"exif", "gps", "xmp", "icc", "thumbnail", "trailing", "other"},
    "avif": {"exif", "gps", "xmp", "icc", "thumbnail", "trailing", "other"},
    "gif": {"xmp", "icc", "comment", "trailing", "other"},
    "tiff": {"exif", "gps", "xmp", "iptc", "icc", "thumbnail", "trailing", "other"},
}
POLICIES = {"bare": (), "icc": ("icc",)}
SINGLE = [(source, kinds) for source, carriers in CARRIERS.items() for kinds in carriers]


def picture() -> Image.Image:
    radial = Image.radial_gradient("L").resize(PICTURE_SIZE)
    return Image.merge("RGB", (radial, radial.rotate(180), Image.new("L", PICTURE_SIZE, 90)))


@dataclass(frozen=True)
class Made:
    """The results of the stuffed sources: outcomes by source and policy, files also by format."""

    ended: dict[tuple[str, str], Ended]
    files: dict[tuple[str, str, str], bytes]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All 6 sources under both policies, each with 4 outputs, in one order."""
    place = Workplace(tmp_path_factory.mktemp("stuffed"))
    items: dict[tuple[str, str], dict[str, Any]] = {}
    for source, stuffed in STUFFED.items():
        for policy, keep in POLICIES.items():
            key = f"{source}-{policy}"
            place.put("box", key, stuffed(picture(), icc.display_p3()))
            outputs = [{"name": made, "format": made, "quality": 90} for made in MADE]
            items[source, policy] = worker_process.item(key, outputs, metadata={"keep": keep})
    run = place.run(worker_process.order(list(items.values())))
    assert run.exit_code == 0, run.log
    ended = dict(zip(items, run.ended, strict=True))
    assert {end.reason for end in ended.values() if end} == {"Succeeded"}, ended
    files = {
        (*where, name): place.output(item, number)
        for where, item in items.items()
        for number, name in enumerate(MADE)
    }
    return Made({where: end for where, end in ended.items() if end}, files)


@pytest.mark.parametrize("output", MADE)
@pytest.mark.parametrize("source", STUFFED)
def test_an_output_holds_its_picture_and_nothing_else(made: Made, source: str, output: str) -> None:
    data = made.files[source, "bare", output]
    contents = reading.read(output, data)

    assert contents.extras == ()
    assert contents.icc == b""
    assert marks.leaks(data + contents.unpacked) == []
    assert reading.by_exiv2(data) == {}


@pytest.mark.parametrize("output", MADE)
@pytest.mark.parametrize("source", STUFFED)
def test_an_output_keeps_the_profile_and_nothing_else(made: Made, source: str, output: str) -> None:
    data = made.files[source, "icc", output]
    contents = reading.read(output, data)

    assert contents.icc == icc.display_p3()
    assert contents.extras == ()
    assert marks.leaks(data.replace(contents.icc, b"") + contents.unpacked) == []
    assert reading.by_exiv2(data) == {"icc": icc.display_p3()}


@pytest.mark.parametrize("source", STUFFED)
def test_a_large_profile_is_kept_whole(tmp_path: Path, source: str) -> None:
    place = Workplace(tmp_path / "pod")
    place.put("box", source, STUFFED[source](picture(), icc.large()))
    outputs = [{"name": made, "format": made} for made in MADE]
    item = worker_process.item(source, outputs, metadata={"keep": ["icc"]})

    place.run(worker_process.order([item]))

    kept = [reading.read(made, place.output(item, at)).icc for at, made in enumerate(MADE)]
    assert kept == [icc.large()] * len(MADE)


@pytest.mark.parametrize("source", STUFFED)
def test_what_was_removed_is_reported(made: Made, source: str) -> None:
    bare, kept = made.ended[source, "bare"].removed, made.ended[source, "icc"].removed

    assert bare >= CARRIED[source]
    assert kept == bare - {"icc"}


@pytest.fixture(scope="module")
def removed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Ended | None]:
    """The outcomes of items whose sources carry one kind each."""
    place = Workplace(tmp_path_factory.mktemp("carriers"))
    outputs = [{"name": "thumb", "width": 16, "format": "png"}]
    ended: list[Ended | None] = []
    items = []
    for source, kinds in SINGLE:
        key = f"{source} {kinds}"
        place.put("box", key, CARRIERS[source][kinds](picture()))
        items.append(worker_process.item(key, outputs))
    for start in range(0, len(items), 16):
        run = place.run(worker_process.order(items[start : start + 16]))
        assert run.exit_code == 0, run.log
        ended += run.ended
    return dict(zip(SINGLE, ended, strict=True))


@pytest.mark.parametrize(("source", "kinds"), SINGLE)
def test_each_kind_is_reported_by_its_name(
    removed: dict[tuple[str, str], Ended | None], source: str, kinds: str
) -> None:
    end = removed[source, kinds]

    assert end is not None
    assert (end.reason, end.removed) == ("Succeeded", set(kinds.split()))


@pytest.mark.parametrize("kind", MADE)
def test_the_readers_would_find_what_a_source_is_stuffed_with(kind: str) -> None:
    """Readers that find nothing anywhere would pass all tests above."""
    # exiv2 gives up at data behind an AVIF's last box.
    data = STUFFED[kind](picture(), icc.display_p3()).removesuffix(marks.zip_archive())

    assert len(reading.read(kind, data).extras) >= 3
    assert len(marks.leaks(data)) > 20
    assert {"exif", "xmp", "icc"} <= reading.by_exiv2(data).keys()
