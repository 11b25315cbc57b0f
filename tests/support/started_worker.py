"""A worker that is observed while it runs, and what it has reported so far."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from imagejob_worker.contract import report
from PIL import Image

from support import worker_process
from support.specimens import jpeg
from support.worker_process import Workplace

PHOTO = jpeg.encode(Image.linear_gradient("L").convert("RGB"))
DIGEST = hashlib.sha256(PHOTO).digest()
READ = report.Read(report.source(len(PHOTO), DIGEST))
WORKER = [sys.executable, "-W", "error", "-m", "imagejob_worker"]


@contextmanager
def started(
    place: Workplace, order: dict[str, Any], command: list[str] = WORKER
) -> Iterator[psutil.Popen]:
    environment = place.environment(worker_process.encoded(order))
    with psutil.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            with suppress(psutil.NoSuchProcess):  # as it should be
                process.kill()


def reported(place: Workplace) -> list[report.Entry | report.Read | None]:
    text = place.report.read_text("ascii")
    return report.decode(text) if text else []


def hanging(place: Workplace, endpoint: str) -> dict[str, Any]:
    """Two items: one that finishes, and one whose store never answers."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        place.put("silent", name, b"x")
    outputs = [{"name": "thumb", "width": 8, "format": "png"}]
    good = worker_process.item("cat.jpg", outputs)
    bad = worker_process.item("cat.jpg", outputs, source={"store": "silent", "key": "k"})
    stores = {"box": {"volume": {}}, "silent": {"s3": {"endpoint": endpoint, "bucket": "bucket"}}}
    return worker_process.order([good, bad], stores=stores)


def finished_first(place: Workplace) -> bool:
    return [type(entry) for entry in reported(place)] == [report.Done, type(None)]
