"""Rates, policies, and how much is used and left."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.quota.history import History
from imagejob_operator.quota.rates import (
    Policy,
    Rate,
    admissible,
    forecast,
    parse_rate,
    policy_of,
    usage,
)
from support.api_objects import metadata

NOW = 1_795_341_600_000
DEFAULT = Policy((Rate(50, "1h"),))
SHORTEST, DAY = 1, 86_400


@pytest.mark.parametrize(
    ("text", "rate", "window"),
    [
        ("50/1h", Rate(50, "1h"), 3_600_000),
        (" 1/90s ", Rate(1, "90s"), 90_000),
        ("1000000/7d", Rate(1_000_000, "7d"), 604_800_000),
        ("3/604800s", Rate(3, "604800s"), 604_800_000),
        ("3/15m", Rate(3, "15m"), 900_000),
    ],
)
def test_a_rate_is_read(text: str, rate: Rate, window: int) -> None:
    assert parse_rate(text) == rate
    assert parse_rate(text).window == window


@pytest.mark.parametrize(
    "text",
    [
        "", "50", "50/", "/1h", "50/h", "50/1w", "50/1h30m", "50/0s", "0/1h", "-1/1h", "5.5/1h",
        "50/01h", "50 per 1h", "1000001/1h", "50/8d", "50/604801s", "50/169h",
    ],
)  # fmt: skip
def test_what_the_crd_would_refuse_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a rate|exceeds|longer than"):
        parse_rate(text)


WINDOWS = [*range(1, 7_201), *range(7_260, 7 * DAY + 1, 60)]


def test_slot_and_rounding_fit_into_a_120th_of_every_window() -> None:
    for seconds in WINDOWS:
        rate = Rate(1, f"{seconds}s")

        assert rate.slot + rate.span - rate.window <= Fraction(rate.window, 120)
        assert rate.window // 240 < rate.slot
        assert 8 <= rate.tick <= rate.slot
        assert rate.slot % rate.tick == rate.span % rate.tick == 0
        assert rate.span >= rate.window


@pytest.mark.parametrize(
    ("per", "slot", "tick"),
    [
        ("1s", 8, 8), ("10s", 64, 32), ("1m", 256, 256), ("1h", 2**14, 2**14),
        ("1d", 2**19, 2**19), ("7d", 2**22, 2**20),
    ],
)  # fmt: skip
def test_the_slots_of_common_windows(per: str, slot: int, tick: int) -> None:
    assert (Rate(1, per).slot, Rate(1, per).tick) == (slot, tick)


@pytest.mark.parametrize("per", ["1s", "11s", "1h", "7d"])
def test_an_admission_counts_until_its_place_comes_free(per: str) -> None:
    rate = Rate(1, per)
    once = History().add(NOW + 3, 1)
    free = rate.frees(once.slots[0][0])

    assert rate.window < free - NOW - 3 <= rate.window * 121 / 120
    assert admissible(once, [rate], free - 1, 1) == 0
    assert admissible(once, [rate], free, 1) == 1


def test_the_use_of_a_rate() -> None:
    rate = Rate(50, "1h")
    some = History().add(NOW, 20).add(NOW + 1_000_000, 30)
    next_available = rate.frees(NOW + 8)

    (before,) = usage(History(), [rate], NOW)
    (used_up,) = usage(some, [rate], NOW + 1_000_000)
    (later,) = usage(some, [rate], next_available)

    assert (before.used, before.remaining, before.next_available) == (0, 50, None)
    assert (used_up.used, used_up.remaining, used_up.next_available) == (50, 0, next_available)
    assert (later.used, later.remaining, later.next_available) == (30, 20, None)


def test_a_lowered_limit_takes_nothing_back() -> None:
    lowered = Rate(10, "1h")
    some = History().add(NOW, 20).add(NOW + 1_000_000, 15)

    (use,) = usage(some, [lowered], NOW + 1_000_000)

    assert (use.used, use.remaining) == (35, 0)
    # Not when the first twenty have left the window: fifteen are still too many for ten.
    assert use.next_available == lowered.frees(NOW + 1_000_008)


def test_the_tightest_rate_comes_first() -> None:
    rates = [Rate(100, "1d"), Rate(5, "1h"), Rate(5, "1m"), Rate(20, "10m")]
    some = History().add(NOW, 5)

    uses = usage(some, rates, NOW)

    assert [(use.rate.per, use.remaining) for use in uses] == [
        ("1h", 0), ("1m", 0), ("10m", 15), ("1d", 95)
    ]  # fmt: skip


def test_all_rates_must_allow_it() -> None:
    rates = [Rate(5, "1m"), Rate(8, "1h")]
    some = History().add(NOW - 120_000, 5)

    assert admissible(some, rates, NOW, 10) == 3
    assert admissible(some, rates, NOW, 2) == 2
    assert admissible(some, [], NOW, 10) == 10


def test_a_forecast_goes_by_all_rates() -> None:
    rates = [Rate(2, "1s"), Rate(4, "1m")]

    foretold = forecast(History(), rates, NOW, 6)

    assert foretold.count == 6
    assert foretold.at(1) == foretold.at(2) == NOW
    assert foretold.at(3) == foretold.at(4) == rates[0].frees(NOW + 8)
    assert foretold.at(5) == foretold.at(6) == rates[1].frees(NOW + 8)
    with pytest.raises(IndexError):
        foretold.at(7)


def quota(**spec: object) -> ImageQuota:
    limits = [{"jobs": 5, "per": "1m"}, {"jobs": 8, "per": "1h"}]
    body = {"metadata": metadata("default", "uid-quota"), "spec": {"limits": limits, **spec}}
    return msgspec.convert(body, ImageQuota)


def test_the_policy_of_a_namespace() -> None:
    rates = (Rate(5, "1m"), Rate(8, "1h"))
    all_said = quota(maxRunning=3, maxWaiting=0, onExceeded="Fail", weight=7)

    assert policy_of(None, DEFAULT) is DEFAULT
    assert policy_of(quota(), DEFAULT) == Policy(rates)
    assert policy_of(all_said, DEFAULT) == Policy(rates, 3, 0, "Fail", 7)
