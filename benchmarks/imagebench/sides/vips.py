"""libvips's own `thumbnail`, through pyvips, in one thread and with no cache of results."""

from __future__ import annotations

import pyvips
from serve import Task, serve


def make(task: Task) -> list[str]:
    (width,) = task.widths
    path = f"{task.folder}/{width}.jpg"
    image = pyvips.Image.thumbnail(task.source, width)
    image.jpegsave(path, Q=task.quality, optimize_coding=True, subsample_mode="on", keep="none")
    return [path]


if __name__ == "__main__":
    pyvips.cache_set_max(0)
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    serve({"pyvips": pyvips.__version__, "libvips": libvips}, make)
