"""What an operator answers to whoever asks it over HTTP, as a kubelet or Prometheus does."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from imagejob_dev.rest import over_http

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.program import Program

SECONDS = 5.0


class Readiness(NamedTuple):
    """Status 0 where nobody answers."""

    status: int
    message: str


def readiness(port: int) -> Readiness:
    """Of the operator whose probes are there."""
    status, body = _get(port, "/readyz")
    answer: dict[str, Any] = json.loads(body) if body else {}
    return Readiness(status, answer.get("message", ""))


def value(port: int, series: str) -> float:
    """The sum of those of its metrics that begin so, with labels as Prometheus writes them."""
    _, body = _get(port, "/metrics")
    lines = (line.rpartition(" ") for line in body.decode().splitlines())
    return sum(float(number) for name, _, number in lines if name.startswith(series))


def wait_for(program: Program, until: Callable[[], bool], seconds: float) -> None:
    """Wait while the operator runs. Raises RuntimeError with the end of its log."""
    deadline = time.monotonic() + seconds
    while not until():
        if not program.running:
            raise RuntimeError(f"the operator has ended: {program.log_end()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"the operator does not go on: {program.log_end()}")
        time.sleep(0.02)


def _get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with over_http(port).session(SECONDS) as session:
            return session.send("GET", path)
    except OSError:
        return 0, b""
