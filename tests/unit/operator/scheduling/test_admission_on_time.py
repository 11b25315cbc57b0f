"""The quota admits nothing more before the planner looks again."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.quota.rates import Policy
from imagejob_operator.scheduling.admission_snapshot import take_snapshot
from imagejob_operator.scheduling.wait_estimates import next_look
from support.api_objects import NOW
from support.charged import ages, charged, policies
from support.examples import examples
from support.planning_team import Team, jobs
from support.situations import spans

TICK = timedelta(microseconds=1)


@given(policies(), ages(), st.integers(1, 12), spans())
@settings(max_examples=examples(200))
def test_nothing_is_admitted_before_the_planner_looks_again(
    policy: Policy, ages: list[timedelta], waiting: int, span: timedelta
) -> None:
    team = Team(charged(policy, ages)).throttled(*jobs(waiting))
    team.carry_out(team.plan(policy, places=0))
    snapshot = take_snapshot(team.tenant, policy, team.cache, NOW)

    look = next_look(snapshot, NOW)

    assert look is not None
    later = max(NOW, min(NOW + span, look - TICK))
    assert take_snapshot(team.tenant, policy, team.cache, later).admitted == ()
