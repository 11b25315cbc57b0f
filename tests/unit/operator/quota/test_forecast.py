"""Forecasts compared with what the ledger then does, each admission somewhat delayed.

400 generated namespaces and four long cases; times are in microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.quota.admission import admit
from imagejob_operator.quota.history import History
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Rate, forecast, parse_rate, usage
from support.examples import examples

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = 1_795_341_600_000_000
RATES = [
    ["50/1h"],
    ["3/1s"],
    ["2/11s"],
    ["50/10s"],
    ["1/17s"],
    ["3/1s", "20/1m"],
    ["7/90s", "40/1h"],
    ["10/17s", "25/1m", "60/1h"],
    ["4/11s", "9/35s", "100/1d", "350/7d"],
]


def admissions(
    ledger: Ledger, rates: Sequence[Rate], count: int, delays: Sequence[float]
) -> list[int]:
    """When each of `count` is admitted, in µs. Delays are fractions of the smallest tick."""
    waiting = [f"uid-{index}" for index in range(count)]
    delay = cycle(int(part * min(rate.tick for rate in rates) * 1000) for part in delays)
    possible = ledger.now * 1000
    times: list[int] = []
    while len(times) < count:
        time = EPOCH + timedelta(microseconds=possible + next(delay))
        ledger = ledger.at(time, rates)
        while (admission := admit(ledger, rates, waiting[len(times) :])).uids:
            ledger = admission.ledger.without(uids=admission.uids)
            times += [ledger.as_of] * len(admission.uids)
        uses = usage(ledger.history, rates, ledger.now)
        possible = max((use.next_available or 0) * 1000 for use in uses)
    return times


def drained(ledger: Ledger, rates: Sequence[Rate]) -> Ledger:
    """The ledger after every possible admission."""
    while (admission := admit(ledger, rates, [f"old-{index}" for index in range(256)])).uids:
        ledger = admission.ledger.without(uids=admission.uids)
    return ledger


def predicted(ledger: Ledger, rates: Sequence[Rate], count: int) -> list[int]:
    foretold = forecast(ledger.history, rates, ledger.now, count)

    assert foretold.count == count
    return [foretold.at(position) * 1000 for position in range(1, count + 1)]


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Ledgers with a past that today's limits would not always have allowed."""
    ledger = Ledger(START)
    past = st.tuples(st.sampled_from([1, 40, 999, 5_003, 70_001, 900_001]), st.integers(1, 12))
    for gap, count in draw(st.lists(past, max_size=12)):
        history = ledger.history.add(ledger.now, count)
        ledger = Ledger(ledger.as_of + gap * 1000 + draw(st.integers(0, 999)), history=history)
    return ledger


rates_of = st.sampled_from(RATES).map(lambda texts: [parse_rate(text) for text in texts])
parts = st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=7)


@settings(max_examples=examples(200))
@given(ledgers(), rates_of, st.integers(1, 60), parts)
def test_all_are_admitted_in_the_predicted_tick(
    ledger: Ledger, rates: list[Rate], count: int, delays: list[float]
) -> None:
    ledger = drained(ledger, rates)
    tick = min(rate.tick for rate in rates) * 1000

    actual = admissions(ledger, rates, count, delays)

    for foretold, time in zip(predicted(ledger, rates, count), actual, strict=True):
        assert foretold <= time < foretold + tick


@settings(max_examples=examples(200))
@given(ledgers(), rates_of, st.integers(1, 60), parts)
def test_while_places_are_free_the_rest_is_at_most_a_slot_later(
    ledger: Ledger, rates: list[Rate], count: int, delays: list[float]
) -> None:
    start = ledger.now * 1000
    most = max(rate.slot for rate in rates) * 1000
    tick = min(rate.tick for rate in rates) * 1000

    actual = admissions(ledger, rates, count, delays)

    for foretold, time in zip(predicted(ledger, rates, count), actual, strict=True):
        assert foretold <= time < foretold + tick + (most if foretold > start else 0)


@pytest.mark.parametrize(
    ("texts", "count"),
    [
        (["50/1h"], 2_000),
        (["2/11s"], 600),
        (["3/1s", "20/1m"], 600),
        (["4/11s", "9/35s", "100/1d", "350/7d"], 1_500),
    ],
    ids=str,
)
def test_hundreds_of_windows_ahead_nothing_has_drifted(texts: list[str], count: int) -> None:
    rates = [parse_rate(text) for text in texts]
    ledger = drained(Ledger(START + 777), rates)
    tick = min(rate.tick for rate in rates) * 1000

    actual = admissions(ledger, rates, count, [0, 0.999, 0.3, 0.7, 0.01])

    late = [
        time - foretold
        for foretold, time in zip(predicted(ledger, rates, count), actual, strict=True)
    ]
    assert min(late) >= 0
    assert max(late) < tick


def test_nothing_is_forecast_when_nothing_waits() -> None:
    foretold = forecast(History(), [Rate(50, "1h")], START // 1000, 0)

    assert foretold.count == 0
    with pytest.raises(IndexError):
        foretold.at(1)


def test_a_latency_beyond_a_tick_makes_no_forecast_early() -> None:
    rates = [Rate(2, "11s")]
    ledger = drained(Ledger(START), rates)

    actual = admissions(ledger, rates, 100, [3.7, 0.2, 40])

    foretold = predicted(ledger, rates, 100)
    assert all(time >= early for early, time in zip(foretold, actual, strict=True))
