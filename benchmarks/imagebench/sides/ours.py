"""This project's pipeline, called as the worker calls it, but without its child processes."""

from __future__ import annotations

from contextlib import closing

import PIL
from imagejob_worker.contract import order
from imagejob_worker.image import loading, pipeline
from imagejob_worker.image.files import Files
from PIL import features
from serve import Task, serve


def make(task: Task) -> list[str]:
    item = _item(task)
    with closing(Files(task.source, task.folder, item.outputs)) as files:
        processed = pipeline.process(files, item, ("jpeg",))
    return [output.path for output in processed.outputs]


def _item(task: Task) -> order.Item:
    return order.Item(
        uid="benchmark",
        source=order.Source(store="none", key="none"),
        destination=order.Destination(store="none", prefix="none"),
        outputs=tuple(
            order.Output(str(width), width=width, format=task.format, quality=task.quality)  # type: ignore[arg-type]
            for width in task.widths
        ),
        limits=order.Limits(max_bytes=50_000_000, max_pixels=50_000_000, max_frames=1),
    )


if __name__ == "__main__":
    loading.load(("jpeg",), ())
    libraries = {name: str(features.version(name)) for name in ("libjpeg_turbo", "webp")}
    serve({"Pillow": PIL.__version__, **libraries}, make)
