"""One container, one process for each CPU, no Kubernetes: how fast the photos could be done.

The benchmark never runs this itself: its text is what Python runs in the worker's image, with the
environment, the stores and the scratch folder of a worker. It does for each photo what the worker
does, by the same code: fetch, hash, decode, reduce, encode, store. What it leaves out is what makes
the worker safe: the child for each item, its limits and its wall, the second look at what a child
has made.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import closing
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_worker.contract.order import decode
from imagejob_worker.image import loading, pipeline
from imagejob_worker.image.files import Files
from imagejob_worker.storage import Stores

if TYPE_CHECKING:
    from imagejob_worker.contract.order import Order


@cache
def order() -> Order:
    """A worker's, with one item that stands for all photos."""
    return decode(os.environ["IMAGEJOB_ORDER"])


@cache
def stores() -> Stores:
    """Each process opens its own: obstore's threads don't survive a fork."""
    return Stores(order(), os.environ["IMAGEJOB_STORES"])


def convert(photo: str) -> None:
    """One photo, all the way."""
    (item,) = order().items
    folder = Path(os.environ["IMAGEJOB_SCRATCH"]) / photo
    folder.mkdir()
    source = folder / "source"
    with source.open("wb") as file:
        deadline = time.monotonic() + item.timeout_seconds
        store = stores()[item.source.store]
        store.fetch(f"incoming/{photo}.jpg", file.fileno(), item.limits.max_bytes, deadline)
    with closing(Files(str(source), str(folder), item.outputs)) as files:
        made = pipeline.process(files, item, order().formats)
    for output in made.outputs:
        key = f"{item.destination.prefix}/{photo}/{output.name}.{output.format}"
        with Path(output.path).open("rb") as file:
            target = stores()[item.destination.store]
            target.put(key, file.fileno(), output.content_type, None)
    shutil.rmtree(folder)


def main() -> None:
    """All photos; tells on one line how long that took."""
    began = time.monotonic()
    photos: list[str] = json.loads(os.environ["BENCH_PHOTOS"])
    loading.load(order().formats, order().items)
    processes = len(os.sched_getaffinity(0))
    with get_context("fork").Pool(processes) as pool:
        done = len(pool.map(convert, photos, chunksize=1))
    took = time.monotonic() - began
    print(json.dumps({"photos": done, "processes": processes, "seconds": took}))


if __name__ == "__main__":
    main()
