"""Step: one output's file, from its finished frames."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.contract.facts import Made
from imagejob_worker.image.steps import shrink
from imagejob_worker.image.steps.encode import QUALITY, encode
from imagejob_worker.image.steps.identify import CONTENT_TYPES, EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL import Image

    from imagejob_worker.contract.order import Output
    from imagejob_worker.image.steps.choose_format import Choice
    from imagejob_worker.image.steps.encode import Animation


def produce(
    frames: Sequence[Image.Image],
    output: Output,
    choice: Choice,
    icc: bytes | None,
    animation: Animation | None,
    stem: str,
) -> Made:
    """Encode into `stem` with the format's extension, within the output's maxBytes.

    Lossless that `auto` chose is given up where it is too large; one that was asked for fails.
    """

    def attempt(quality: int, choice: Choice, stem: str) -> int:
        return encode(frames, _file(stem, choice), output, choice, quality, icc, animation)

    start = output.quality or QUALITY[choice.format]
    limit = output.max_bytes
    if limit is None or choice.lossless:
        length = attempt(start, choice, stem)
        if limit is not None and length > limit:
            if not choice.optional:
                raise shrink.too_large(output.name, length, limit)
            choice = msgspec.structs.replace(choice, lossless=False)
    if limit is not None and not choice.lossless:
        length = _shrunk(output.name, limit, start, choice, stem, attempt)
    return _made(frames[0], output, choice, length, _file(stem, choice))


def _shrunk(
    name: str,
    limit: int,
    start: int,
    choice: Choice,
    stem: str,
    attempt: Callable[[int, Choice, str], int],
) -> int:
    """Try qualities, each into a file of its own, and leave the best."""

    tried: dict[int, str] = {}

    def encoded(quality: int) -> int:
        beside = f"{stem}-{quality}"
        tried[quality] = _file(beside, choice)
        return attempt(quality, choice, beside)

    fitted = shrink.fit(name, limit, start, shrink.LOWEST[choice.format], encoded)
    os.rename(tried.pop(fitted.quality), _file(stem, choice))
    for other in tried.values():
        os.unlink(other)
    return fitted.bytes


def _made(first: Image.Image, output: Output, choice: Choice, length: int, path: str) -> Made:
    return Made(
        name=output.name,
        format=choice.format,
        width=first.width,
        height=first.height,
        bytes=length,
        path=path,
        content_type=CONTENT_TYPES[choice.format],
    )


def _file(stem: str, choice: Choice) -> str:
    return f"{stem}.{EXTENSIONS[choice.format]}"
