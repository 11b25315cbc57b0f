"""A decision lasts until the time that it gives: nobody has to touch anything for it to go on."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from imagejob_operator.imagejob.decide import Decision, JobHistory, WriteStatus, decide
from imagejob_operator.imagejob.inputs import Inputs
from support.api_objects import PLATFORM
from support.examples import examples
from support.situations import moments, situations, spans, with_status

SPANS = [timedelta(seconds=each) for each in (2, 20, 70, 250, 3600, 10**7)]
"""Beyond each of the times that the operator waits for something."""


def seen(decision: Decision) -> Any:
    """What anybody sees of it, or does because of it, but for times at which it was seen."""
    state, action = decision.state, decision.action
    failure = state.failure and (state.failure.attempt, state.failure.reason)
    return (
        (state.phase, state.reason, state.message, state.waits_for, state.disruptions, failure),
        (state.is_transient, None if failure else state.queue),
        type(action),
        [(each.event, each.reason) for each in decision.history.entries],
        describes(action) if isinstance(action, WriteStatus) else None,
    )


def describes(write: WriteStatus) -> Any:
    status = msgspec.to_builtins(write.status)
    return [(each["type"], each["reason"], each["message"]) for each in status["conditions"]]


def followed(
    inputs: Inputs, history: JobHistory, now: datetime, end: datetime
) -> tuple[Inputs, Decision]:
    """The last decision by `end` of an operator that looks when it said, and writes statuses."""
    while True:
        decision = decide(inputs, history, PLATFORM, now)
        history, action = decision.history, decision.action
        if isinstance(action, WriteStatus) and not decision.state.is_finished:
            inputs = with_status(inputs, action.status)
        elif decision.look_again and decision.look_again <= end:
            now = decision.look_again
        else:
            return inputs, decision


@given(situations(), moments(), spans())
@settings(max_examples=examples(500))
def test_who_looks_when_it_was_said_knows_as_much_as_who_looks_later(
    situation: tuple[Inputs, JobHistory], now: datetime, span: timedelta
) -> None:
    for end in (now + each for each in (span, *SPANS)):
        inputs, last = followed(*situation, now, end)

        later = decide(inputs, last.history, PLATFORM, end)

        assert seen(later) == seen(last)


@given(situations(), moments())
@settings(max_examples=examples(200))
def test_the_time_that_is_given_is_to_come(
    situation: tuple[Inputs, JobHistory], now: datetime
) -> None:
    inputs, history = situation

    decision = decide(inputs, history, PLATFORM, now)

    assert decision.look_again is None or decision.look_again > now
