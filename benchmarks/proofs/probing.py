"""What an operator answers to whoever asks it over HTTP, as a kubelet or Prometheus does."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from imagejob_dev.rest import over_http

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


def _get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with over_http(port).session(SECONDS) as session:
            return session.send("GET", path)
    except OSError:
        return 0, b""
