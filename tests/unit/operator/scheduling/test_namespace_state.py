"""One namespace as the quota sees it: what waits, and what its ledger has promised."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.meta import Manifest
from imagejob_operator.imagejob.inputs import QuotaPosition, WaitsFor
from imagejob_operator.quota.ledger import DispatchRecord, Ledger
from imagejob_operator.quota.position import QueuePosition
from imagejob_operator.quota.rates import forecast, parse_rate
from imagejob_operator.scheduling.namespace_state import (
    NamespaceState,
    PendingWorker,
    WaitEstimate,
    shows,
)
from support.api_objects import NOW, image_job, shows_admitted

CAT, DOG = image_job("cat"), image_job("dog")
RATE = parse_rate("2/1h")
EMPTY = Ledger(0).at(NOW, (RATE,))
NOTHING: Manifest = {}


def promising(*names: str, ledger: Ledger = EMPTY) -> Ledger:
    """A ledger that promises workers of those names, each for the cat."""
    for name in names:
        ledger = ledger.dispatch(name, DispatchRecord(("uid-cat",), "sha256:0"))
    return ledger


def tenant_of(ledger: Ledger = EMPTY) -> NamespaceState:
    tenant = NamespaceState("team-a")
    tenant.load(ledger, "1")
    return tenant


def pending(name: str) -> PendingWorker:
    return PendingWorker(name, (CAT,), "sha256:0", "", NOTHING, NOW)


LINES: dict[str, tuple[WaitsFor | None, list[str], list[str]]] = {
    "to be charged": ("admission", ["uid-cat"], []),
    "for a worker": ("worker", [], ["uid-cat"]),
    "for nothing": (None, [], []),
}


@pytest.mark.parametrize("before", LINES)
@pytest.mark.parametrize("after", LINES)
def test_it_waits_in_the_line_of_what_it_wishes_for_and_in_no_other(
    before: str, after: str
) -> None:
    tenant = tenant_of()
    tenant.line_up(CAT, LINES[before][0])

    changed = tenant.line_up(CAT, LINES[after][0])

    _, throttled, queued = LINES[after]
    assert (list(tenant.throttled), list(tenant.queued)) == (throttled, queued)
    assert changed is (before != after)


def test_who_leaves_waits_no_more() -> None:
    tenant = tenant_of()
    tenant.line_up(CAT, "admission")
    tenant.line_up(DOG, "worker")

    left = [tenant.leave(uid) for uid in ("uid-cat", "uid-dog", "uid-cat")]

    assert left == [True, True, False]
    assert not tenant.throttled
    assert not tenant.queued


def test_a_place_says_when_it_was_charged_before_the_status_does() -> None:
    tenant = tenant_of(EMPTY.charge(["uid-cat"]))

    assert tenant.quota_position(CAT).admitted_at == NOW
    assert tenant.quota_position(DOG).admitted_at is None


def test_a_charge_is_known_when_the_ledger_has_forgotten_it() -> None:
    charged = EMPTY.charge(["uid-cat"])
    tenant = tenant_of(charged)

    tenant.invalidate()
    unread = tenant.quota_position(CAT).admitted_at
    tenant.load(charged.without(uids=["uid-cat"]), "2")

    assert unread == tenant.quota_position(CAT).admitted_at == NOW


def test_the_status_tells_of_a_charge_that_the_ledger_has_forgotten() -> None:
    shown = image_job(status=shows_admitted("2026-11-22T09:00:00Z"))

    assert tenant_of().quota_position(shown).admitted_at == datetime(2026, 11, 22, 9, tzinfo=UTC)
    assert shows(shown)
    assert shows(None)
    assert not shows(CAT)


def test_a_place_in_the_line_for_workers_is_a_position() -> None:
    tenant = tenant_of(EMPTY.charge(["uid-cat", "uid-dog"]))
    urgent = image_job("dog", priority=5)
    for job in (CAT, urgent):
        tenant.line_up(job, "worker")

    assert [tenant.quota_position(job).position for job in (CAT, urgent)] == [
        QueuePosition(2),
        QueuePosition(1),
    ]


def test_a_place_in_the_line_for_the_quota_is_a_position_and_a_time() -> None:
    full = EMPTY.charge(["uid-a", "uid-b"])
    tenant = tenant_of(full)
    for job in (CAT, DOG):
        tenant.line_up(job, "admission")
    unknown = tenant.quota_position(CAT).position

    tenant.estimate = WaitEstimate(forecast=forecast(full.history, (RATE,), full.now, 1))
    known = tenant.quota_position(CAT).position

    assert unknown is None
    assert known is not None
    assert known.position == 1
    assert known.eligible_at is not None
    assert known.eligible_at >= NOW + timedelta(hours=1)
    assert tenant.quota_position(DOG).position is None  # it arrived after the forecast


def test_a_rejection_is_kept_until_the_imagejob_leaves() -> None:
    tenant = tenant_of()
    tenant.line_up(CAT, "admission")
    tenant.turn_away({"uid-cat": "7 wait already"})
    told = tenant.quota_position(CAT).excess

    tenant.leave("uid-cat")

    assert told == "7 wait already"
    assert tenant.quota_position(CAT).excess is None


def dispatch_of(tenant: NamespaceState, job: ImageJob = CAT) -> str | None:
    return tenant.quota_position(job).dispatch


def test_a_promised_worker_is_pending_until_it_is_there() -> None:
    tenant = tenant_of(promising("ij-1"))
    tenant.begin(pending("ij-1"))
    promised = (list(tenant.promised()), dispatch_of(tenant), dispatch_of(tenant, DOG))

    tenant.retire("ij-1")

    assert promised == (["ij-1"], "ij-1", None)
    assert (list(tenant.promised()), dispatch_of(tenant)) == ([], None)
    assert not tenant.pending


def test_a_name_that_led_nowhere_stays_void_while_the_ledger_has_it() -> None:
    tenant = tenant_of(promising("ij-1"))
    tenant.retire("ij-1")

    tenant.load(promising("ij-2", ledger=promising("ij-1")), "2")

    assert list(tenant.promised()) == ["ij-2"]
    assert dispatch_of(tenant) == "ij-2"


def test_a_name_that_the_ledger_has_dropped_may_come_again() -> None:
    tenant = tenant_of(promising("ij-1"))
    tenant.retire("ij-1")

    tenant.load(EMPTY, "2")
    tenant.load(promising("ij-1"), "3")

    assert list(tenant.promised()) == ["ij-1"]


def test_a_worker_that_was_met_while_the_ledger_was_unknown_is_not_created_again() -> None:
    tenant = tenant_of()
    tenant.retire("ij-1")

    tenant.load(promising("ij-1"), "2")

    assert list(tenant.promised()) == []


def test_nothing_is_created_from_a_ledger_that_somebody_else_may_have_written() -> None:
    tenant = tenant_of(promising("ij-1"))
    tenant.begin(pending("ij-1"))

    given_up = tenant.invalidate()

    assert [each.name for each in given_up] == ["ij-1"]
    assert tenant.ledger is None
    assert not tenant.pending
    assert not tenant.promised()


def test_a_charge_that_no_ledger_has_dates_from_the_workers_creation() -> None:
    tenant = tenant_of()
    before = tenant.charged_at(CAT)

    for created in (NOW, NOW + timedelta(minutes=1)):
        tenant.note_charge(CAT, created)

    assert (before, tenant.charged_at(CAT)) == (None, NOW)


def test_nothing_is_known_before_the_ledger_has_been_read() -> None:
    assert NamespaceState("team-a").quota_position(CAT) == QuotaPosition()


def test_a_pending_worker_has_what_the_ledger_says_about_it() -> None:
    both = msgspec.structs.replace(pending("ij-1"), jobs=(CAT, DOG))

    assert both.record == DispatchRecord(("uid-cat", "uid-dog"), "sha256:0")


@pytest.mark.parametrize("how", ["it is dispatched", "it is deleted"])
def test_who_comes_after_nobody_waited_is_not_told_of_a_quota_that_was_used_up(how: str) -> None:
    tenant = tenant_of()
    tenant.line_up(CAT, "admission")
    tenant.estimate = WaitEstimate("2 per 1h", forecast=forecast(EMPTY.history, (RATE,), 0, 9))
    if how == "it is deleted":
        tenant.leave("uid-cat")
    else:
        tenant.line_up(CAT, None)

    tenant.line_up(DOG, "admission")

    assert tenant.quota_position(DOG).position is None
