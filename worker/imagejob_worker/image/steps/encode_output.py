"""Step: write one output's file, within its `maxBytes`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import CONTENT_TYPES, Made
from imagejob_worker.image.steps import shrink
from imagejob_worker.image.steps.encode import QUALITY, encode

if TYPE_CHECKING:
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.files import OutputFile
    from imagejob_worker.image.steps.choose_format import Choice


def encode_output(output: OutputContext) -> None:
    """Encode into the output's file. Raises TooLarge.

    Where lossless is too large, it is given up if `auto` chose it, and fails if it was asked for.
    """
    asked, choice, file = output.plan.output, output.choice, output.file
    start, limit = asked.quality or QUALITY[choice.format], asked.max_bytes
    if limit is None or choice.lossless:
        length = encode(output, choice, start, file)
        if limit is not None and length > limit:
            if not choice.optional:
                raise shrink.too_large(asked.name, length, limit)
            choice = msgspec.structs.replace(choice, lossless=False)
    if limit is not None and not choice.lossless:
        file = _encode_within(output, choice, start, limit)
    output.choice, output.file = choice, file
    output.made = describe(output)


def _encode_within(output: OutputContext, choice: Choice, start: int, limit: int) -> OutputFile:
    """Try qualities; return the file with the best. The other one holds what is tried next."""
    best, other = output.file, output.source.files.spares[output.plan.index]

    def encoded(quality: int) -> int:
        nonlocal best, other
        length = encode(output, choice, quality, other)
        if length <= limit:  # the last one that does is the best
            best, other = other, best
        return length

    shrink.fit(output.plan.output.name, limit, start, shrink.LOWEST[choice.format], encoded)
    other.empty()
    return best


def describe(output: OutputContext) -> Made:
    """Return what was encoded into the output's file."""
    choice, file = output.choice, output.file
    return Made(
        name=output.plan.output.name,
        format=choice.format,
        width=output.images[0].width,
        height=output.images[0].height,
        bytes=file.size,
        path=file.path,
        content_type=CONTENT_TYPES[choice.format],
    )
