"""A ledger that somebody deleted while no operator ran: what was used still counts."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.ledgers import CONFIG_MAPS, charges
from support.tenant import Body, Tenant, image_job, is_finished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from imagejob_dev.client import Client


def photos(first: int, last: int) -> list[Body]:
    return [image_job(f"photo-{number}") for number in range(first, last + 1)]


def is_throttled(status: Body) -> bool:
    return status.get("phase") == "Throttled"


def uses(status: Body) -> list[tuple[int, int]]:
    return [(use["jobs"], use["used"]) for use in status.get("limits", ())]


@contextmanager
def restarted_without_ledger(
    cluster: Client, team: Tenant, meanwhile: Callable[[], None]
) -> Iterator[None]:
    """Two of three ImageJobs are used up; the ledger goes before the next operator comes."""
    team.quota("3/1h")
    with cluster.operator("lost-ledger-operator"):
        team.apply(*photos(1, 2))
        team.wait_all(is_finished, 2)
        team.quota_status(lambda status: uses(status) == [(3, 2)])
    cluster.rest.delete(f"{CONFIG_MAPS}/ledger-{team.namespace}")
    meanwhile()
    with cluster.operator("lost-ledger-operator"):
        yield


def test_it_is_rebuilt_before_anything_is_charged(cluster: Client, team: Tenant) -> None:
    with restarted_without_ledger(cluster, team, lambda: team.apply(*photos(3, 4))):
        ended = team.wait_all(is_finished, 3)
        team.wait_all(is_throttled, 1)

    assert {status["phase"] for status in ended.values()} == {"Succeeded"}
    assert charges(cluster, team.namespace) == 3


def test_what_an_idle_namespace_has_used_is_shown(cluster: Client, team: Tenant) -> None:
    with restarted_without_ledger(cluster, team, lambda: team.quota("5/1h")):
        status = team.quota_status(lambda status: status.get("observedGeneration") == 2)

    assert uses(status) == [(5, 2)]
