"""Step: find out what the source is and what it claims, with no decoder near it."""

from __future__ import annotations

from importlib import import_module
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.image.parsers import icc
from imagejob_worker.image.parsers.probe import MAX_ICC_BYTES, Survey
from imagejob_worker.image.steps import identify as formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_worker.contract.order import SourceFormat


def identify(source: str, allowed: Sequence[SourceFormat]) -> SourceFormat:
    """The format of the file, by its magic bytes.

    Raises UnsupportedFormat, naming what else it is.
    """
    with open(source, "rb") as file:
        return formats.identify(file.read(formats.HEAD_BYTES), allowed)


def survey(source: str, name: SourceFormat) -> Survey:
    """Walk the container. Raises CorruptImage, TooLarge or UnsupportedFormat, as it finds."""
    container = import_module(f"imagejob_worker.image.parsers.{name}")
    with open(source, "rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        found: Survey = container.survey(data)
    if found.icc is None:
        return found
    if len(found.icc) > MAX_ICC_BYTES:
        return msgspec.structs.replace(found, icc=None, icc_dropped=True)
    return msgspec.structs.replace(found, hdr=found.hdr or icc.hdr(found.icc))
