"""Whether everything is as it must be. A complaint is a sentence; none means that all is well.

What came out is read with Pillow alone, and compared with what went in, not with what the status
says went in.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from imagejob_demo.likeness import difference, upright
from imagejob_demo.profile import Wanted
from imagejob_demo.units import pixels

if TYPE_CHECKING:
    from imagejob_demo.bucket import Stored
    from imagejob_demo.photos import Photo
    from imagejob_demo.statuses import ImageJob, Output
    from imagejob_demo.uploads import BadUpload

HARMLESS = frozenset(
    {
        *("jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"),
        *("adobe", "adobe_transform", "loop", "background", "duration", "timestamp"),
    }
)
"""What Pillow reports about a file that holds nothing but an image."""

SECRETS = (b"Robin Example", b"R. Example", b"Nimbus", b"NB9-004", b"+49 30", b"not paid")
"""Words that the uploads carry and that must not get out, wherever in a file they might hide."""

MOST_DIFFERENT = 5.0
"""Mean difference of a channel, of 255. Measured: a good WebP at most 1.7, the sunset with its
colours not converted 8.1, mirrored images from 11.9 and turned ones from 19.5 on."""


class Reader(Protocol):
    """What is needed of a bucket."""

    def get(self, key: str) -> Stored | None:
        """One object."""

    def keys(self, prefix: str) -> list[str]:
        """The keys below a prefix."""


def photo(
    job: ImageJob, photo: Photo, upload: bytes, wanted: Sequence[Wanted], bucket: Reader
) -> list[str]:
    """What is wrong with a photo's ImageJob and its outputs."""
    if job.status.phase != "Succeeded":
        return [f"is {job.status.phase or 'unprocessed'} ({job.reason}): {job.message}"]
    complaints = list(_status(job, photo, upload, wanted))
    outputs = {output.name: output for output in job.status.outputs}
    for want in wanted:
        if output := outputs.get(want.name):
            found = _output(output, photo, upload, want, bucket)
            complaints += [f"output {want.name} {complaint}" for complaint in found]
    return complaints


def bad_upload(job: ImageJob, upload: BadUpload, bucket: Reader) -> list[str]:
    """What is wrong with an ImageJob that has to fail."""
    complaints = []
    if job.status.phase != "Failed":
        complaints.append(f"is {job.status.phase or 'unprocessed'}, and must be Failed")
    if job.reason != upload.reason:
        complaints.append(f"has reason {job.reason or 'none'}, and must have {upload.reason}")
    if not job.message:
        complaints.append("says nothing to people")
    if left := bucket.keys(_prefix(job)):
        complaints.append(f"left {', '.join(left)} behind")
    return complaints


def _prefix(job: ImageJob) -> str:
    return f"derived/{job.name}/"


def _status(job: ImageJob, photo: Photo, upload: bytes, wanted: Sequence[Wanted]) -> Iterator[str]:
    source = job.status.source
    if (source.width, source.height) != (photo.width, photo.height):
        yield f"says its source has {pixels(source.width, source.height)} pixels"
    if source.bytes != len(upload):
        yield f"says its source has {source.bytes} bytes, not {len(upload)}"
    if set(job.status.removed_metadata) != photo.carries:
        removed = ", ".join(job.status.removed_metadata) or "none"
        yield f"says removed metadata: {removed}; it carried {', '.join(sorted(photo.carries))}"
    names = [output.name for output in job.status.outputs]
    if names != [want.name for want in wanted]:
        yield f"has outputs {', '.join(names) or 'none'}"


def _output(
    output: Output, photo: Photo, upload: bytes, want: Wanted, bucket: Reader
) -> Iterator[str]:
    stored = bucket.get(output.key)
    if not stored:
        yield f"is not in the bucket as {output.key}"
        return
    if hashlib.sha256(stored.data).hexdigest() != output.sha256:
        yield "has another digest than its status says"
    if len(stored.data) != output.bytes:
        yield f"has {len(stored.data)} bytes, its status says {output.bytes}"
    if want.max_bytes and len(stored.data) > want.max_bytes:
        yield f"has {len(stored.data)} bytes, its profile allows {want.max_bytes}"
    if stored.content_type != f"image/{output.format}":
        yield f"is {output.format} and served as {stored.content_type}"
    yield from _leaks(stored.data)
    try:
        with Image.open(io.BytesIO(stored.data)) as image:
            image.load()
            yield from _image(image, output, photo, upload, want)
    except (OSError, SyntaxError) as error:
        yield f"can't be opened: {error}"


def _leaks(data: bytes) -> Iterator[str]:
    found = [secret.decode() for secret in SECRETS if secret in data]
    if found:
        yield f"still says {', '.join(found)}"


def _image(
    image: Image.Image, output: Output, photo: Photo, upload: bytes, want: Wanted
) -> Iterator[str]:
    found = pixels(*image.size)
    if (image.format or "").lower() != output.format:
        yield f"is a {image.format}, its status says {output.format}"
    if image.size != (output.width, output.height):
        yield f"has {found} pixels, its status says {pixels(output.width, output.height)}"
    if not want.fits(image.size, (photo.width, photo.height)):
        yield f"has {found} pixels, not what its profile asks for"
    if kept := sorted({str(key) for key in image.info} - HARMLESS):
        yield f"kept {', '.join(kept)}"
    if image.getexif():
        yield "kept EXIF"
    if want.is_whole and (far := difference(image, upright(upload))) > MOST_DIFFERENT:
        yield f"does not look like its source: {far:.1f} of 255 away"


def report(complaints: Mapping[str, Sequence[str]]) -> list[str]:
    """All of them, one a line, each with the name that it is about."""
    return [f"{name} {complaint}" for name, found in complaints.items() for complaint in found]
