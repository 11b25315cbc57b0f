"""An API server that fails, or can't be reached.

Only `slow` needs an operator that acts on objects. Each of the others has one of its own, which may
list nothing: it leads by a Lease of its own, or stands by, as the Lease is another's.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from imagejob_dev.client import OPERATOR
from imagejob_operator.kube.lease_lock import NAME

from support import rights
from support.bad_api import BadApi, Fault
from support.restarts import kept_running
from support.tenant import image_job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.alerting import Deployment, Provoke, Site

ELECTION = {"leader_election": "true", "lease_seconds": "3"}
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
HELD = {"holderIdentity": "another", "leaseDurationSeconds": 3600}
RESTARTS = 4
WRITES = 400
"""ImageJobs that fail at once: more status writes than a slow API server takes in half a minute."""

OVERWRITES = {"destination": {"prefix": "incoming"}, "outputs": [{"name": "cat", "format": "jpeg"}]}


def answering(name: str, status: str) -> Provoke:
    """Every request gets that status."""

    @contextmanager
    def provoke(site: Site) -> Iterator[float]:
        with _operator(site, name, leads=False) as (_, bad):
            began, bad.fault = time.time(), Fault(status)
            yield began

    return provoke


@contextmanager
def unreachable(site: Site) -> Iterator[float]:
    """Requests arrive, and no response does: packets are dropped."""
    with _operator(site, "unreachable", leads=True) as (_, bad):
        began, bad.fault = time.time(), Fault("freeze")
        yield began


@contextmanager
def forbidden_lease(site: Site) -> Iterator[float]:
    with _operator(site, "forbidden", leads=True):
        began = time.time()
        rights.revoke(site.cluster, "forbidden")
        yield began


@contextmanager
def lost_leases(site: Site) -> Iterator[float]:
    """The API server fails again and again, for longer than a leader may go without a renewal."""
    with _operator(site, "losing", leads=True) as (made, bad):
        began = time.time()
        for _ in range(RESTARTS):
            bad.fault = Fault("cut")
            made.until("count(imagejob_leader == 1) or vector(0)", 0)
            bad.fault = None
            made.until("imagejob_leader", 1)
        yield began


@contextmanager
def slow(site: Site) -> Iterator[float]:
    """Each request takes 4 to 5 seconds, while there is much to write."""
    team, began = site.team(), time.time()
    team.open()
    site.proxy.fault = Fault("delay", seconds=(4.0, 5.0))
    team.create([image_job(f"photo-{number}", **OVERWRITES) for number in range(WRITES)])
    yield began
    site.proxy.fault = None


@contextmanager
def _operator(site: Site, name: str, *, leads: bool) -> Iterator[tuple[Deployment, BadApi]]:
    """Behind a proxy that does nothing yet. Before, nothing fires but what its role makes fire."""
    rights.account(site.cluster, name)
    if not leads:
        lease = {"metadata": {"name": NAME}, "spec": HELD}
        site.cluster.rest.post(LEASES.format(name), lease)
    with BadApi(site.cluster) as bad:
        kubeconfig = bad.kubeconfig_of(name, OPERATOR)
        with (
            site.deployed(name, kubeconfig, namespace=name, **ELECTION) as made,
            kept_running([made.operator]),
        ):
            made.until("imagejob_leader", float(leads))
            usual = "ImageJobNotWatching" if leads else "ImageJobNoLeader"
            others = f'ALERTS{{alertstate="firing",alertname!="{usual}"}}'
            made.until(f"count({others}) or vector(0)", 0)
            yield made, bad
