"""Step: write one output's file, within its `maxBytes`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import CONTENT_TYPES, EXTENSIONS, Made
from imagejob_worker.image.steps import shrink
from imagejob_worker.image.steps.encode import QUALITY, encode

if TYPE_CHECKING:
    from imagejob_worker.image.context import OutputContext
    from imagejob_worker.image.steps.choose_format import Choice


def encode_output(output: OutputContext) -> None:
    """Encode into the context's path with the format's extension. Raises TooLarge.

    Where lossless is too large, it is given up if `auto` chose it, and fails if it was asked for.
    """
    asked, choice = output.plan.output, output.choice
    start, limit = asked.quality or QUALITY[choice.format], asked.max_bytes
    if limit is None or choice.lossless:
        length = encode(output, choice, start, _path(output.stem, choice))
        if limit is not None and length > limit:
            if not choice.optional:
                raise shrink.too_large(asked.name, length, limit)
            choice = msgspec.structs.replace(choice, lossless=False)
    if limit is not None and not choice.lossless:
        length = _encode_within(output, choice, start, limit)
    output.made = _made(output, choice, length)


def _encode_within(output: OutputContext, choice: Choice, start: int, limit: int) -> int:
    """Try qualities, each in a file of its own; keep the best and return its length."""
    tried: dict[int, str] = {}

    def encoded(quality: int) -> int:
        tried[quality] = _path(f"{output.stem}-{quality}", choice)
        return encode(output, choice, quality, tried[quality])

    lowest = shrink.LOWEST[choice.format]
    fitted = shrink.fit(output.plan.output.name, limit, start, lowest, encoded)
    os.rename(tried.pop(fitted.quality), _path(output.stem, choice))
    for other in tried.values():
        os.unlink(other)
    return fitted.bytes


def _made(output: OutputContext, choice: Choice, length: int) -> Made:
    return Made(
        name=output.plan.output.name,
        format=choice.format,
        width=output.images[0].width,
        height=output.images[0].height,
        bytes=length,
        path=_path(output.stem, choice),
        content_type=CONTENT_TYPES[choice.format],
    )


def _path(stem: str, choice: Choice) -> str:
    return f"{stem}.{EXTENSIONS[choice.format]}"
