"""Hangs the contact sheet: fetches what came out and says what it is."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PIL import Image

from imagejob_demo import sheet
from imagejob_demo.photos import PHOTOS, Photo
from imagejob_demo.results import WHOLE
from imagejob_demo.units import ascii_only, pixels, saving, size
from imagejob_demo.uploads import BAD_UPLOADS, BadUpload

if TYPE_CHECKING:
    from imagejob_demo.check import Reader
    from imagejob_demo.statuses import ImageJob

HEADING = (
    "Left: the file as it was uploaded, shown as it is stored.  Right: the output of full size."
)


def hang(jobs: Mapping[str, ImageJob], bucket: Reader, uploads: Mapping[str, bytes]) -> Image.Image:
    """The sheet. What has no outputs is missing on it: the check has said so."""
    pairs = (_pair(jobs[photo.name], photo, uploads[photo.key], bucket) for photo in PHOTOS)
    refusals = [_refusal(jobs[bad.name], bad) for bad in BAD_UPLOADS]
    return sheet.draw([pair for pair in pairs if pair], refusals, HEADING)


def _pair(job: ImageJob, photo: Photo, upload: bytes, bucket: Reader) -> sheet.Pair | None:
    whole = next((output for output in job.status.outputs if output.name == WHOLE), None)
    stored = bucket.get(whole.key) if whole else None
    if not whole or not stored:
        return None
    before = Image.open(io.BytesIO(upload))
    removed = ", ".join(job.status.removed_metadata)
    was = f"{before.format} {before.mode}  {pixels(*before.size)}  {size(len(upload))}"
    now = f"{whole.format.upper()}  {pixels(whole.width, whole.height)}  {size(whole.bytes)}"
    return sheet.Pair(
        title=photo.file,
        about=photo.about,
        before=before,
        after=Image.open(io.BytesIO(stored.data)),
        before_text=ascii_only(was),
        after_text=ascii_only(f"{now}  ({saving(len(upload), whole.bytes)})"),
        removed=f"removed: {removed}" if removed else "nothing to remove",
    )


def _refusal(job: ImageJob, bad: BadUpload) -> sheet.Refusal:
    return sheet.Refusal(bad.file, bad.about, job.reason or job.status.phase, job.message)
