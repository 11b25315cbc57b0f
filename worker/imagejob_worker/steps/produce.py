"""Step: one output's file, from its finished frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from imagejob_worker.facts import Made
from imagejob_worker.formats import CONTENT_TYPES, EXTENSIONS
from imagejob_worker.steps import shrink
from imagejob_worker.steps.encode import QUALITY, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PIL import Image

    from imagejob_worker.order import Output
    from imagejob_worker.steps.choose import Choice
    from imagejob_worker.steps.encode import Animation


def produce(
    frames: Sequence[Image.Image],
    output: Output,
    choice: Choice,
    icc: bytes | None,
    animation: Animation | None,
    stem: Path,
) -> Made:
    """Encode into `stem` with the format's extension, within the output's maxBytes."""
    start = output.quality or QUALITY[choice.format]
    path = _file(stem, choice)

    def attempt(quality: int) -> int:
        file = _file(stem.with_name(f"{stem.name}-{quality}"), choice)
        return encode(frames, file, output, choice, quality, icc, animation)

    limit = output.max_bytes
    if limit is None or choice.lossless:
        length = encode(frames, path, output, choice, start, icc, animation)
        if limit is not None and length > limit:
            if not choice.optional:
                raise shrink.too_large(output.name, length, limit)
            lossy = msgspec.structs.replace(choice, lossless=False)
            return produce(frames, output, lossy, icc, animation, stem)
    else:
        fitted = shrink.fit(output.name, limit, start, shrink.LOWEST[choice.format], attempt)
        length = fitted.bytes
        _file(stem.with_name(f"{stem.name}-{fitted.quality}"), choice).replace(path)
        for other in stem.parent.glob(f"{stem.name}-*"):
            other.unlink()
    return Made(
        name=output.name,
        format=choice.format,
        width=frames[0].width,
        height=frames[0].height,
        bytes=length,
        path=path,
        content_type=CONTENT_TYPES[choice.format],
    )


def _file(stem: Path, choice: Choice) -> Path:
    return stem.with_name(f"{stem.name}.{EXTENSIONS[choice.format]}")
