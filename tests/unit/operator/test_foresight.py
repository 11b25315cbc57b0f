"""Who is looked at again because of what those who wait are told."""

from __future__ import annotations

from api_objects import NOW, image_job
from imagejob_operator.cache.cluster_cache import Picture
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.scheduling.namespace_state import Tenant
from imagejob_operator.scheduling.plan import look
from imagejob_operator.scheduling.wait_estimates import Foresight

POLICY = Policy((parse_rate("1/1h"),))
CAT = image_job()
UID = CAT.metadata.uid


def touched(*put_off: object) -> list[object]:
    """Of one that waits for the quota and has not been told so, with those waiting for room."""
    picture, tenant = Picture(), Tenant("team-a")
    picture.see(CAT)
    while picture.next_touched() is not None:
        pass
    tenant.adopt(Ledger(0).at(NOW, POLICY.rates).charge(["uid-other"]), "1")
    tenant.limit = "1 per 1h"
    tenant.line_up(CAT, "admission")
    foresight = Foresight(picture, lambda *_: None, put_off.__contains__)

    foresight.update(look(tenant, POLICY, picture, NOW), NOW)

    found: list[object] = []
    while (subject := picture.next_touched()) is not None:
        found.append(subject)
    return found


def test_who_waits_and_has_not_been_told_is_looked_at() -> None:
    assert touched() == [UID]


def test_who_waits_for_room_to_be_told_is_not_looked_at_before() -> None:
    assert touched(UID) == []
