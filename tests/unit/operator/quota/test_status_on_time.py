"""The use that an ImageQuota shows changes no earlier than it is looked at again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy
from imagejob_operator.quota.status import describe_quota, next_change
from support.api_objects import NOW, metadata
from support.charged import ages, charged, policies
from support.examples import examples
from support.situations import spans

TICK = timedelta(microseconds=1)
QUOTA = msgspec.convert(
    {"metadata": metadata("default", "uid-quota"), "spec": {"limits": []}}, ImageQuota
)


@given(policies(), ages(), spans())
@settings(max_examples=examples(300))
def test_the_use_of_a_quota_changes_no_earlier_than_said(
    policy: Policy, ages: list[timedelta], span: timedelta
) -> None:
    ledger = charged(policy, ages)
    change = next_change(policy, ledger)
    later = min(NOW + span, change - TICK) if change else NOW + span

    def shown(at: Ledger) -> object:
        return describe_quota(QUOTA, policy, at, 0, 0, NOW).limits

    assert shown(ledger.at(later, policy.rates)) == shown(ledger)
