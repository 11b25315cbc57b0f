"""Which alert tells of which fault, and within how long: the table in docs/runbook.md, tried on
real Prometheus servers.

A row of the table has a Fault of its name in `support.faults`. To add one, write a context manager
that brings it about on a Site, and both.
"""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from imagejob_dev.operators import PROGRAM
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.tools.catalogue import PROMETHEUS
from imagejob_dev.tools.find import find

from support import namespaces
from support.conditions import until
from support.monitoring import INTERVAL, Prometheus
from support.paths import ROOT
from support.tenant import Tenant, picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.guard import Guard
    from imagejob_dev.program import Program

    from support.bad_api import BadApi

    Provoke = Callable[["Site"], AbstractContextManager[float]]

AS_WRITTEN, FAST = 1, 30
"""By how much the durations of the rules are divided."""

SLACK = 10.0
"""Seconds that scrapes, evaluations, the operator's own delays and a busy machine may add."""

START = 60.0
"""Seconds until an operator of several that start at once is scraped."""

PAGE = ROOT / "docs" / "runbook.md"
ROW = re.compile(
    r'^\| ([^|]+) \| \[(ImageJob\w+)\]\(#(\w+)\)(?:, `(\w+)="(\w+)"`)? \| (\d+) minutes? \|$',
    re.MULTILINE,
)


class Row(NamedTuple):
    """A row of the table. The alert has the label `label`, if that isn't empty."""

    fault: str
    alert: str
    anchor: str
    label: str
    value: str
    minutes: int

    def __str__(self) -> str:
        return f"{self.fault}: {self.alert}" + f" of {self.value}" * bool(self.label)

    @property
    def selector(self) -> str:
        """Of Prometheus, for the samples of the alert while it fires."""
        more = f',{self.label}="{self.value}"' if self.label else ""
        return f'ALERTS{{alertname="{self.alert}",alertstate="firing"{more}}}'


def table() -> list[Row]:
    """All rows."""
    found = ROW.findall(PAGE.read_text())
    return [Row(*words, minutes=int(minutes)) for *words, minutes in found]


@dataclass
class Deployment:
    """An operator, and Prometheus servers that scrape it, by what divides their rules' durations.

    Nothing else is scraped by them.
    """

    name: str
    operator: Program
    prometheus: dict[int, Prometheus] = field(default_factory=dict)

    def until(self, expression: str, value: float, seconds: float = START) -> None:
        """Wait until the expression has this value in each Prometheus."""
        for each in self.prometheus.values():
            until(lambda: each.value(expression) == value, seconds, every=0.2)  # noqa: B023


@dataclass
class Site:
    """Where faults are brought about. `proxy` is between the API server and `leader`, the only
    operator that acts on objects. Threads use it side by side.
    """

    cluster: Client
    folder: Path
    guard: Guard
    stack: ExitStack
    proxy: BadApi
    deployments: dict[str, Deployment] = field(default_factory=dict)
    _making: threading.Lock = field(default_factory=threading.Lock)

    def namespace(self) -> str:
        """A fresh one, for as long as the site is there."""
        return self.stack.enter_context(namespaces.fresh(self.cluster))

    def team(self) -> Tenant:
        """With a picture, but no store yet."""
        name = self.namespace()
        with self._making:  # boto3 makes one client at a time
            team = Tenant(self.cluster, name)
            team.put("incoming/cat.jpg", picture())
        return team

    @contextmanager
    def deployed(
        self,
        name: str,
        kubeconfig: Path,
        *,
        program: Sequence[str | Path] = PROGRAM,
        speeds: Sequence[int] = (FAST,),
        **settings: str,
    ) -> Iterator[Deployment]:
        """Run an operator, and a Prometheus for each of the speeds."""
        (port,) = free_ports(1)
        settings["listen"] = f"{LOOPBACK}:{port}"
        tool = find(modules=(PROMETHEUS,))["prometheus"]
        with ExitStack() as stack:
            operator = self.cluster.operator(name, program, kubeconfig, **settings)
            made = Deployment(name, stack.enter_context(operator))
            for speed in speeds:
                folder = self.folder / f"{name}-{speed}"
                made.prometheus[speed] = Prometheus(tool, folder, port, self.guard, speed)
                stack.enter_context(made.prometheus[speed].program)
            self.deployments[name] = made
            yield made


class Fault(NamedTuple):
    """`provoke` gives the time at which it began; it is in place once that is entered.

    Its alerts are those of the deployment `seen_by`, with rules that are `speed` times as fast. It
    comes after the faults of the names `after`, which must stand before it.
    """

    provoke: Provoke
    seen_by: str = "leader"
    speed: int = FAST
    after: Sequence[str] = ()


class Outcome(NamedTuple):
    """When a fault began and was in place, and when each of its alerts first fired, if it did."""

    began: float
    in_place: float
    fired: Mapping[Row, float | None]


def bring_about(
    site: Site, faults: Mapping[str, Fault], rows: Sequence[Row]
) -> dict[str, Future[Outcome]]:
    """Bring all of them about side by side, and observe their alerts."""
    futures: dict[str, Future[Outcome]] = {}
    with ThreadPoolExecutor(len(faults)) as pool:
        for name, fault in faults.items():
            before = [futures[each] for each in fault.after]
            own = [row for row in rows if row.fault == name]
            futures[name] = pool.submit(_observe, site, fault, own, before)
    return futures


def _observe(
    site: Site, fault: Fault, rows: Sequence[Row], before: Sequence[Future[Outcome]]
) -> Outcome:
    wait(before)
    with fault.provoke(site) as began:
        in_place = time.time()
        prometheus = site.deployments[fault.seen_by].prometheus[fault.speed]
        fired = {}
        for row in rows:
            fired[row] = _first(prometheus, row, began, in_place + allowed(row, fault))
    return Outcome(began, in_place, fired)


def allowed(row: Row, fault: Fault) -> float:
    """Return the seconds after which the alert must fire, by the clock of the test."""
    return row.minutes * 60 / fault.speed + SLACK


def _first(prometheus: Prometheus, row: Row, began: float, deadline: float) -> float | None:
    """Return when it first fired, from the last evaluation before the fault on; None after the
    deadline."""
    while True:
        found = prometheus.query(f"{row.selector}[15m]")
        times = [at for series in found for at, _ in series["values"] if at > began - INTERVAL]
        if times or time.time() > deadline:
            return min(times, default=None)
        time.sleep(0.5)  # not `until`: an alert that never fires is an outcome, not a failure
