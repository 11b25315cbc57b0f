"""Photos of phones' sizes through real workers, as the operator sizes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imagejob_operator.config.platform import MIB, Platform, Size
from support import phone_photos, worker_process
from support.phone_photos import Photo

PLATFORM = Platform(worker_image="")
"""The operator's defaults."""

OUTPUTS = [
    {"name": "thumb", "width": 320, "height": 320, "fit": "cover", "format": "webp"},
    {"name": "screen", "width": 1920, "format": "webp"},
    {"name": "any", "width": 1080},
]
WHOLE = [{"name": "full"}]


def process(photo: Photo, folder: Path, outputs: list[dict[str, Any]] | None = None) -> list[Any]:
    """Process it as often as the operator would; return the figures of each worker."""
    data, tried = phone_photos.jpeg(photo), []
    size: Size = "standard"
    while True:
        figures = _once(data, folder / f"{len(tried)}", outputs or OUTPUTS, size)
        tried.append(figures)
        if figures["reason"] != "NeedsMemory" or len(tried) > 1:
            return tried
        size = PLATFORM.size_for(int(figures["message"])) or "large"


def _once(data: bytes, root: Path, outputs: list[dict[str, Any]], size: Size) -> dict[str, Any]:
    place, memory, limits = (
        worker_process.Workplace(root),
        PLATFORM.memory_of(size),
        PLATFORM.limits,
    )
    place.put("box", "photo", data)
    item = worker_process.item(
        "photo",
        outputs,
        limits={
            "maxBytes": limits.max_bytes,
            "maxPixels": limits.max_pixels,
            "maxFrames": limits.max_frames,
        },
        timeoutSeconds=PLATFORM.bounds.max_timeout_seconds,
    )
    run = place.run(worker_process.order([item], childMemoryBytes=memory.child_bytes))
    (ended,) = run.ended
    if ended is None:
        raise RuntimeError(f"the worker reported nothing: {run.log}")
    return {
        "size": size,
        "reason": ended.reason,
        "message": ended.message,
        "peakMiB": round(max(run.tree, run.largest) / MIB),
        "podMiB": memory.pod_bytes_for(1) // MIB,
        "milliseconds": ended.milliseconds,
    }


def faults(name: str, tried: list[dict[str, Any]], expected: str) -> list[str]:
    """Return what isn't as documented."""
    found = [
        f"{name}: {each['peakMiB']} MiB in a pod of {each['podMiB']}"
        for each in tried
        if each["peakMiB"] > each["podMiB"]
    ]
    reasons = [each["reason"] for each in tried]
    if reasons[-1] != expected or set(reasons[:-1]) - {"NeedsMemory"}:
        found.append(f"{name}: {reasons}, not {expected}")
    return found
