"""Fetches Kubernetes' own release programs where the internet allows; else it fails fast."""

from __future__ import annotations

import hashlib
import os
import platform
import queue
import re
import threading
import urllib.request
from typing import TYPE_CHECKING

from imagejob_dev.tools.catalogue import KUBERNETES

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.progress import Progress
    from imagejob_dev.tools.catalogue import Module

PROBE_SECONDS = 3.0
STALL_SECONDS = 30.0  # without a byte
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def fetch(module: Module, program: str, into: Path, progress: Progress) -> bool:
    """Put the released `program` into the folder `into`; False if it can't be had from here."""
    architecture = ARCHITECTURES.get(platform.machine())
    if not enabled() or module is not KUBERNETES or architecture is None:
        return False
    base = os.environ.get("IMAGEJOB_DEV_PREBUILT_URL", "https://dl.k8s.io/release")
    url = f"{base}/v{module.version}/bin/linux/{architecture}/{program}"
    expected = _probe(f"{url}.sha256")
    if expected is None:
        return False
    progress.start(f"fetching {program} {module.version}")
    try:
        actual = _download(url, into / program, progress)
    except OSError as error:
        progress.done(f"failed ({error})")
        return False
    if actual != expected:
        (into / program).unlink()
        progress.done("thrown away, for its checksum is wrong,")
        return False
    progress.done()
    return True


def enabled() -> bool:
    return os.environ.get("IMAGEJOB_DEV_PREBUILT", "1") != "0"


def _probe(url: str) -> str | None:
    """The checksum at `url`, or None within PROBE_SECONDS.

    In a thread, because looking a name up takes no timeout, and an offline resolver may hang.
    """
    answers: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read_checksum, args=(url, answers), daemon=True).start()
    try:
        return answers.get(timeout=PROBE_SECONDS + 0.5)
    except queue.Empty:
        return None


def _read_checksum(url: str, answers: queue.Queue[str | None]) -> None:
    try:
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS) as response:  # noqa: S310 (http, from a constant or the user's own setting)
            answer = response.read(1024).decode(errors="replace").strip()
    except OSError:  # unreachable, or not found
        answer = ""
    answers.put(answer if re.fullmatch(r"[0-9a-f]{64}", answer) else None)


def _download(url: str, file: Path, progress: Progress) -> str:
    """Write what `url` has to `file`; return its sha256 in hex."""
    digest = hashlib.sha256()
    with (
        urllib.request.urlopen(url, timeout=STALL_SECONDS) as response,  # noqa: S310 (see above)
        file.open("wb") as target,
    ):
        total = int(response.headers.get("Content-Length", 0))
        while chunk := response.read(1 << 20):
            digest.update(chunk)
            target.write(chunk)
            progress.tick(f"{target.tell() >> 20} of {total >> 20} MiB")
    file.chmod(0o755)
    return digest.hexdigest()
