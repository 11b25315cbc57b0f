"""Who may take the Lease, and what is written to it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from imagejob_operator.kube import lease as leases
from imagejob_operator.kube.lease import Lease, LeaseHolder, LeaseSpec, LeaseTimings, ObservedRecord

TERMS = LeaseTimings(15)
TAKEN_AT = "2026-11-22T10:00:00.000001Z"
OURS = LeaseHolder("one", TAKEN_AT)
HELD = leases.taken(None, OURS, TERMS)
NOW = datetime(2026, 11, 22, 10, 0, 2, tzinfo=UTC)


def test_terms_are_client_go_s_for_its_15_seconds() -> None:
    assert (TERMS.retry, TERMS.deadline, TERMS.patience) == (2, 10, 5)


@pytest.mark.parametrize("seconds", [3, 15, 300])
def test_an_attempt_begun_before_the_deadline_ends_within_the_lease(seconds: int) -> None:
    terms = LeaseTimings(seconds)

    assert terms.deadline + terms.patience <= seconds
    assert terms.retry < terms.deadline


@pytest.mark.parametrize(
    ("elapsed", "spec", "is_free"),
    [
        (0.0, HELD, False),
        (14.9, HELD, False),
        (15.0, HELD, True),
        (0.0, LeaseSpec(), True),
        (0.0, leases.released(HELD, NOW), True),
        # The holder's own duration counts, not ours.
        (15.0, msgspec.structs.replace(HELD, lease_duration_seconds=60), False),
    ],
    ids=["just seen", "seen for less", "seen for as long", "never held", "released", "longer"],
)
def test_free_is_what_nobody_holds_or_has_not_changed(
    elapsed: float, spec: LeaseSpec, *, is_free: bool
) -> None:
    assert ObservedRecord(spec, at=100.0).is_free(100.0 + elapsed) == is_free


def test_a_renewal_begins_a_new_sighting_and_nothing_else_does() -> None:
    seen = ObservedRecord(HELD, at=100.0)

    same = seen.again(HELD, at=110.0)
    renewed = seen.again(leases.renewed(HELD, NOW), at=110.0)

    assert same.at == 100.0
    assert renewed.at == 110.0


@pytest.mark.parametrize(
    ("tenure", "holds"),
    [
        (OURS, True),
        (LeaseHolder("other", TAKEN_AT), False),
        (LeaseHolder("one", "2026-11-22T10:00:09.000000Z"), False),
    ],
    ids=["the same", "another", "of the same name, restarted"],
)
def test_a_holder_is_identified_by_its_name_and_acquire_time(
    tenure: LeaseHolder, *, holds: bool
) -> None:
    assert tenure.holds(leases.renewed(HELD, NOW)) == holds


def test_transitions_are_counted_over_releases() -> None:
    second = leases.taken(leases.released(HELD, NOW), LeaseHolder("two", TAKEN_AT), TERMS)
    third = leases.taken(second, OURS, TERMS)

    assert [spec.lease_transitions for spec in (HELD, second, third)] == [0, 1, 2]


def test_written_as_the_api_server_reads_it() -> None:
    assert msgspec.to_builtins(leases.renewed(HELD, NOW)) == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "acquireTime": TAKEN_AT,
        "renewTime": "2026-11-22T10:00:02.000000Z",
    }
    # The API server rejects an empty holder, but not a missing one.
    assert "holderIdentity" not in msgspec.to_builtins(leases.released(HELD, NOW))


def test_a_lease_without_a_spec_is_nobody_s() -> None:
    lease = msgspec.convert({"metadata": {"name": "imagejob-operator"}}, Lease)

    assert ObservedRecord(lease.spec, at=0.0).is_free(0.0)
