"""Which ImageJobs are admitted: in order, as many as allowed, none twice."""

from __future__ import annotations

from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.ledger import MAX_CHARGED, Ledger
from imagejob_operator.quota.rates import Rate

LEDGER = Ledger(1_795_341_600_250_123)
WIDE = [Rate(1_000_000, "1h")]
CROWD = [f"uid-{index}" for index in range(1_000)]


def test_as_many_as_the_rates_allow_in_order() -> None:
    admission = admit(LEDGER, [Rate(5, "1h"), Rate(3, "1m")], CROWD)

    assert admission.uids == ("uid-0", "uid-1", "uid-2")
    assert admission.ledger.charged == dict.fromkeys(admission.uids, LEDGER.as_of)


def test_charged_imagejobs_are_skipped() -> None:
    charged = LEDGER.charge(["uid-0", "uid-2"])

    admission = admit(charged, [Rate(4, "1h")], CROWD)

    assert admission.uids == ("uid-1", "uid-3")
    assert admit(admission.ledger, WIDE, admission.uids).uids == ()


def test_who_is_named_twice_is_charged_once() -> None:
    admission = admit(LEDGER, WIDE, ["a", "b", "a"])

    assert admission.uids == ("a", "b")
    assert admission.ledger.history.slots[0][1] == 2


def test_no_more_than_the_ledger_has_room_for() -> None:
    first = admit(LEDGER, WIDE, CROWD)
    full = admit(first.ledger, WIDE, CROWD)
    after = admit(first.ledger.without(uids=first.uids[:10]), WIDE, CROWD[MAX_CHARGED:])

    assert first.uids == tuple(CROWD[:MAX_CHARGED])
    assert full.uids == ()
    assert after.uids == tuple(CROWD[MAX_CHARGED : MAX_CHARGED + 10])


def test_nothing_is_charged_without_imagejobs() -> None:
    assert admit(LEDGER, WIDE, []).ledger is LEDGER
    assert admit(LEDGER.charge(CROWD[:5]), [Rate(5, "1h")], CROWD).uids == ()
