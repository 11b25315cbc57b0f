"""Step: read what the source's container states, without a decoder."""

from __future__ import annotations

from importlib import import_module
from mmap import ACCESS_READ, mmap
from struct import error
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import SourceFacts
from imagejob_worker.image.parsers import icc
from imagejob_worker.image.parsers.probe import Probe, corrupt
from imagejob_worker.image.parsers.statements import Icc

if TYPE_CHECKING:
    from imagejob_worker.contract.order import SourceFormat
    from imagejob_worker.image.context import SourceContext
    from imagejob_worker.image.files import Files


def probe(context: SourceContext) -> None:
    """Walk the container. Raises CorruptImage, TooLarge or UnsupportedFormat.

    A parser that runs over the end of what it reads has found damage.
    """
    found = context.probe = _probed(context.files, context.format)
    context.facts = SourceFacts(context.format, *found.displayed, max(found.frames, found.pages))


def _probed(files: Files, format_: SourceFormat) -> Probe:
    # Only the parser that is needed is imported.
    parser = import_module(f"imagejob_worker.image.parsers.{format_}")
    with files.source() as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
        try:
            found: Probe = parser.probe(data)
        except (IndexError, ValueError, OverflowError, error) as damage:
            raise corrupt(f"the {format_} file's structure is broken") from damage
    for stated in found.stated:
        if found.hdr is None and isinstance(stated, Icc) and stated.data is not None:
            found = msgspec.structs.replace(found, hdr=icc.hdr(stated.data))
    return found
