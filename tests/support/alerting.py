"""Which alert tells of which fault, and within how long: on a real Prometheus.

A row of a table is a Fault: how it is brought about, and the alert that is expected of it. To add
one, write a context manager that brings it about on a Site, and a row.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from imagejob_dev.guard import Guard
from imagejob_dev.operators import PROGRAM
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.tools.catalogue import PROMETHEUS
from imagejob_dev.tools.find import find

from support.conditions import until
from support.monitoring import Prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imagejob_dev.client import Client

START = 30.0
"""Seconds until an operator leads and is scraped."""

SLACK = 10.0
"""Seconds that scrapes, evaluations and a busy machine may add to what a rule says."""


@dataclass(frozen=True)
class Site:
    """Where a fault is brought about. `settings` are the operator's, to which a fault may add."""

    cluster: Client
    settings: dict[str, str] = field(default_factory=dict)


class Fault(NamedTuple):
    """A fault, the alert that fires, with these labels among its own, and within how many seconds.

    It is quiet before. `program` is run as the operator, and `hasten` divides the durations of the
    rules, for those that take many minutes: `within` is as without it.
    """

    provoke: Callable[[Site], AbstractContextManager[None]]
    alert: str
    within: float
    labels: Mapping[str, str] = {}
    program: Sequence[str | Path] = PROGRAM
    hasten: int = 1


@contextmanager
def watched(site: Site, name: str, fault: Fault, folder: Path) -> Iterator[Prometheus]:
    """An operator, and a Prometheus that scrapes it."""
    (port,) = free_ports(1)
    guard = Guard()
    settings = {**site.settings, "listen": f"{LOOPBACK}:{port}"}
    program = find(modules=(PROMETHEUS,))["prometheus"]
    with ExitStack() as stack:
        stack.callback(guard.close)
        stack.enter_context(site.cluster.operator(name, fault.program, **settings))
        prometheus = Prometheus(program, folder, port, guard, fault.hasten)
        stack.enter_context(prometheus.program)
        yield prometheus


def seconds_until_it_fires(site: Site, name: str, fault: Fault, folder: Path) -> float:
    """Bring the fault about, and measure. Fails if it fires before, or not in time."""
    with watched(site, name, fault, folder) as prometheus:
        until(lambda: prometheus.value("imagejob_unwatched_kinds") == 0, START, every=0.2)
        assert not prometheus.firing(fault.alert, fault.labels), "it fires without the fault"
        began = time.monotonic()
        with fault.provoke(site):
            allowed = fault.within / fault.hasten + SLACK
            until(lambda: prometheus.firing(fault.alert, fault.labels), allowed, every=0.2)
            return time.monotonic() - began
