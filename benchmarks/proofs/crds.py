"""An operator and its CRDs, which come later than it, or go and come again."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml
from imagejob_dev.client import CHART, CRDS, MANIFESTS
from imagejob_dev.cluster import Cluster
from imagejob_dev.ports import LOOPBACK, free_ports
from imagejob_dev.rest import ApiError
from operatorbench import crowd

from proofs import probing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from random import Random

    from imagejob_dev.program import Program
    from imagejob_dev.rest import Object

KINDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
API = crowd.API
PATIENCE = 60.0
"""Seconds for what isn't measured."""

NAMESPACE = "team-a"
PROBES = {
    "imagestores": crowd.ours("ImageStore", "uploads", crowd.STORE),
    "imageprofiles": crowd.ours("ImageProfile", "web", {"outputs": [{"name": "thumb"}]}),
    "imagequotas": crowd.ours("ImageQuota", "default", crowd.OPEN_QUOTA),
    "imagejobs": crowd.image_job("photo"),
}
"""An object of each kind, to see whether it is watched."""


class BrokenPromiseError(Exception):
    """It was ready when it should not be, or not watching when it said so."""


@dataclass
class Trials:
    """Seconds from when the last CRD was established to readiness, trial by trial."""

    ready_after: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, object]:
        times = sorted(self.ready_after)
        return {
            "trials": len(times),
            "worst": round(times[-1], 2),
            "median": round(times[len(times) // 2], 2),
            "seconds": [round(each, 2) for each in self.ready_after],
        }


class Bench:
    """A control plane without our CRDs, and operators that are told of none."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._rest = cluster.rest
        self._random = random
        self._crds: list[Object] = [
            yaml.safe_load(path.read_text()) for path in sorted(CRDS.glob("*.yaml"))
        ]
        (self._port,) = free_ports(1)
        self._operator_program: Program | None = None

    def started_before(self) -> float:
        """An operator is started, and the CRDs are made while it runs."""
        with self._operator():
            seconds = self._make_and_wait()
            self._prove_it_watches()
            self._remove()
        return seconds

    def remade(self, trials: int) -> Iterator[float]:
        """The CRDs are removed and made again under one operator."""
        with self._operator():
            self._make_and_wait()
            self._prove_it_watches()
            for _ in range(trials):
                self._remove()
                # Its pauses grow: it is met in any of them, and in none.
                time.sleep(self._random.choice([0.0, self._random.uniform(0, 6)]))
                yield self._make_and_wait()
                self._prove_it_watches()
            self._remove()

    @contextmanager
    def _operator(self) -> Iterator[Program]:
        settings = {"leader_election": "false", "listen": f"{LOOPBACK}:{self._port}"}
        with self._cluster.operator("crds-operator", **settings) as program:
            self._wait(lambda: self._state().status == 503, "alive")
            self._operator_program = program
            yield program

    def _make_and_wait(self) -> float:
        """In any order, one a moment after the other. Seconds until it is ready."""
        order = self._random.sample(self._crds, len(self._crds))
        for crd in order:
            self._must_be_blind()
            self._rest.post(KINDS, crd)
            time.sleep(self._random.uniform(0, 0.3))
        self._wait(self._are_established, "established")
        began = time.monotonic()
        self._wait(lambda: self._state().status == 200, "ready")
        return time.monotonic() - began

    def _remove(self) -> None:
        for crd in self._random.sample(self._crds, len(self._crds)):
            self._rest.delete(f"{KINDS}/{crd['metadata']['name']}")
        self._wait(lambda: not self._rest.get(KINDS)["items"], "without CRDs")
        self._wait(lambda: self._state().message.count("image") == len(PROBES), "aware of it")
        self._must_be_blind()

    def _must_be_blind(self) -> None:
        state = self._state()
        if state.status != 503:
            raise BrokenPromiseError(f"it is ready without all CRDs: {state}")

    def _prove_it_watches(self) -> None:
        for plural, thing in PROBES.items():
            before = self._heard(plural)
            self._post(f"{API}/namespaces/{NAMESPACE}/{plural}", thing)
            self._wait(lambda: self._heard(plural) > before, f"told of {plural}", 5.0)  # noqa: B023

    def _heard(self, plural: str) -> float:
        """How many objects of the kind it has been told of, by watches and the lists before."""
        begin = f'imagejob_watch_events_total{{resource="{plural}",'
        return probing.value(self._port, begin)

    def _post(self, path: str, thing: Object) -> None:
        """An API server may take a moment to know a kind that is established."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._rest.post(path, thing)
            except ApiError as error:
                if error.status not in (404, 429, 503) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return

    def _are_established(self) -> bool:
        crds = self._rest.get(KINDS)["items"]
        return len(crds) == len(self._crds) and all(_is_established(each) for each in crds)

    def _log(self) -> str:
        """Its last lines."""
        return self._operator_program.log_end() if self._operator_program else ""

    def _state(self) -> probing.Readiness:
        return probing.readiness(self._port)

    def _wait(self, until: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not until():
            if time.monotonic() > deadline:
                raise BrokenPromiseError(
                    f"not {what} within {seconds:g} s; /readyz says {self._state()}\n{self._log()}"
                )
            time.sleep(0.02)


@contextmanager
def bench(folder: Path, random: Random) -> Iterator[Bench]:
    """With the operator's account, and a namespace of a tenant's."""
    with Cluster(folder) as cluster:
        cluster.apply(MANIFESTS, CHART / "roles")
        cluster.rest.post("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        yield Bench(cluster, random)


def _is_established(crd: Object) -> bool:
    conditions = crd.get("status", {}).get("conditions") or ()
    return any((each["type"], each["status"]) == ("Established", "True") for each in conditions)
