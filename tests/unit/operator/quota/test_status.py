"""The Ready condition of an ImageQuota's status, and when time alone changes the status."""

from __future__ import annotations

import msgspec
import pytest
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate
from imagejob_operator.quota.status import describe_quota, next_change
from support.api_objects import NOW, metadata

SOON, LATE = parse_rate("5/10m"), parse_rate("50/1h")
BOTH = Policy((SOON, LATE))
NONE_COUNTS = Ledger(0).at(NOW, BOTH.rates)
QUOTA = msgspec.convert(
    {"metadata": metadata("default", "uid-quota"), "spec": {"limits": [{"jobs": 50, "per": "1h"}]}},
    ImageQuota,
)


@pytest.mark.parametrize(
    ("full_at", "expected"),
    [(None, ("Ready", "True", "Applied")), (2**20, ("Ready", "False", "CacheFull"))],
    ids=["all objects fit", "the cache is full"],
)
def test_it_is_ready_while_the_operator_keeps_all_objects(
    full_at: int | None, expected: tuple[str, str, str]
) -> None:
    (ready,) = describe_quota(QUOTA, BOTH, NONE_COUNTS, 0, 0, NOW, full_at=full_at).conditions

    assert (ready.type, ready.status, ready.reason) == expected


def test_the_status_changes_when_an_admission_leaves_the_first_window() -> None:
    ledger = NONE_COUNTS.charge(["uid-cat"])
    times = [next_change(Policy(rates), ledger) for rates in ((SOON,), (LATE,), BOTH.rates)]

    soon, late, both = (time for time in times if time)
    assert NOW < soon == both < late


def test_the_status_does_not_change_while_no_admission_counts() -> None:
    assert next_change(BOTH, NONE_COUNTS) is None
