"""The demo's check accepts a perfect result, and finds each possible fault."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from imagejob_demo import check, scenes
from imagejob_demo.bucket import Stored
from imagejob_demo.icc import display_p3
from imagejob_demo.likeness import upright
from imagejob_demo.photos import Photo
from imagejob_demo.private import exif
from imagejob_demo.profile import Wanted
from imagejob_demo.statuses import Condition, ImageJob, Metadata, Output, Source, Status
from imagejob_demo.uploads import BAD_UPLOADS
from PIL import Image

WANTED = [Wanted("full")]
KEY = "derived/sunset/full.png"
SUNSET = Photo(
    "sunset",
    "sunset.jpg",
    180,
    240,
    scenes.sunset,
    frozenset({"exif", "icc"}),
    "",
    lambda: {"quality": 95, "icc_profile": display_p3(), "exif": exif(orientation=6)},
    lambda picture: picture.transpose(Image.Transpose.ROTATE_90),
)
UPLOAD = SUNSET.encoded()


@dataclass
class Shelf:
    """A bucket with a few objects."""

    objects: dict[str, Stored] = field(default_factory=dict)

    def get(self, key: str) -> Stored | None:
        return self.objects.get(key)

    def keys(self, prefix: str) -> list[str]:
        return [key for key in self.objects if key.startswith(prefix)]


def png(picture: Image.Image, **saving: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", **saving)
    return buffer.getvalue()


def clean() -> Image.Image:
    """The expected output: upright, in sRGB, without metadata."""
    picture = upright(UPLOAD)
    return Image.frombytes("RGB", picture.size, picture.tobytes())


def result(data: bytes) -> tuple[ImageJob, Shelf]:
    """A job whose status agrees with its one output, whatever that is."""
    with Image.open(io.BytesIO(data)) as picture:
        width, height = picture.size
    digest = hashlib.sha256(data).hexdigest()
    status = Status(
        phase="Succeeded",
        conditions=(Condition("Ready", "Succeeded", "stored"),),
        source=Source(len(UPLOAD), "jpeg", 180, 240),
        outputs=(Output("full", KEY, "png", width, height, len(data), digest),),
        removed_metadata=("exif", "icc"),
    )
    return ImageJob(Metadata("sunset"), status), Shelf({KEY: Stored(data, "image/png")})


def with_status(job: ImageJob, **changes: object) -> ImageJob:
    return msgspec.structs.replace(job, status=msgspec.structs.replace(job.status, **changes))


def test_a_perfect_result_has_no_faults() -> None:
    job, shelf = result(png(clean()))

    assert check.photo(job, SUNSET, UPLOAD, WANTED, shelf) == []


def unconverted() -> Image.Image:
    """The wide gamut's pixels, misread as sRGB."""
    with Image.open(io.BytesIO(UPLOAD)) as picture:
        return picture.transpose(Image.Transpose.ROTATE_270).convert("RGB")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        pytest.param(lambda: png(clean(), exif=exif()), "kept EXIF", id="EXIF kept"),
        pytest.param(lambda: png(clean(), icc_profile=display_p3()), "kept icc", id="ICC kept"),
        pytest.param(lambda: png(clean()) + b"Robin Example", "still says", id="trailing bytes"),
        pytest.param(lambda: png(clean().rotate(180)), "not look like", id="upside down"),
        pytest.param(lambda: png(clean().rotate(90, expand=True)), "asks for", id="sideways"),
        pytest.param(lambda: png(unconverted()), "not look like", id="colours not converted"),
        pytest.param(lambda: png(clean().reduce(2)), "asks for", id="too small"),
        pytest.param(lambda: png(clean())[:-900], "opened", id="half-written"),
    ],
)
def test_an_output_that_is_wrong(data: Callable[[], bytes], complaint: str) -> None:
    job, shelf = result(data())

    assert any(complaint in found for found in check.photo(job, SUNSET, UPLOAD, WANTED, shelf))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"phase": "Failed"}, "is Failed"),
        ({"phase": "Running"}, "is Running"),
        ({"removed_metadata": ("exif",)}, "removed metadata: exif; it carried exif, icc"),
        ({"source": Source(7, "jpeg", 180, 240)}, "7 bytes"),
        ({"source": Source(len(UPLOAD), "jpeg", 240, 180)}, "240\N{MULTIPLICATION SIGN}180"),
        ({"outputs": ()}, "has outputs none"),
    ],
)
def test_a_status_that_is_wrong(changes: dict[str, object], complaint: str) -> None:
    job, shelf = result(png(clean()))

    (found,) = check.photo(with_status(job, **changes), SUNSET, UPLOAD, WANTED, shelf)

    assert complaint in found


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"sha256": "0" * 64}, "digest"),
        ({"bytes": 1}, "its status says 1"),
        ({"key": "derived/elsewhere.png"}, "not in the bucket"),
        ({"format": "webp"}, "is a PNG"),
        ({"width": 181}, "its status says 181"),
    ],
)
def test_a_status_that_disagrees_with_the_object(
    changes: dict[str, object], complaint: str
) -> None:
    job, shelf = result(png(clean()))
    output = msgspec.structs.replace(job.status.outputs[0], **changes)

    found = check.photo(with_status(job, outputs=(output,)), SUNSET, UPLOAD, WANTED, shelf)

    assert any(complaint in each for each in found)


def test_an_output_served_as_something_else() -> None:
    job, shelf = result(png(clean()))
    shelf.objects[KEY] = replace(shelf.objects[KEY], content_type="binary/octet-stream")

    (found,) = check.photo(job, SUNSET, UPLOAD, WANTED, shelf)

    assert "served as binary/octet-stream" in found


def test_an_output_that_is_too_heavy() -> None:
    job, shelf = result(png(clean()))

    (found,) = check.photo(job, SUNSET, UPLOAD, [Wanted("full", max_bytes=9)], shelf)

    assert "its profile allows 9" in found


BOMB = BAD_UPLOADS[0]


def failed(phase: str = "Failed", reason: str = "TooLarge", message: str = "so big") -> ImageJob:
    status = Status(phase=phase, conditions=(Condition("Ready", reason, message),))
    return ImageJob(Metadata("bomb"), status)


def test_nothing_is_wrong_with_the_right_failure() -> None:
    assert check.bad_upload(failed(), BOMB, Shelf()) == []


@pytest.mark.parametrize(
    ("job", "complaint"),
    [
        (failed(phase="Succeeded"), "is Succeeded, and must be Failed"),
        (failed(reason="CorruptImage"), "has reason CorruptImage, and must have TooLarge"),
        (failed(message=""), "says nothing to people"),
    ],
)
def test_a_failure_that_is_wrong(job: ImageJob, complaint: str) -> None:
    assert check.bad_upload(job, BOMB, Shelf()) == [complaint]


def test_a_failure_that_left_an_output() -> None:
    shelf = Shelf({"derived/bomb/thumb.webp": Stored(b"", "image/webp")})

    assert check.bad_upload(failed(), BOMB, shelf) == ["left derived/bomb/thumb.webp behind"]
