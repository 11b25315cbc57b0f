"""Quotas of any kind, and ledgers with charges of any age, for properties of both."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from imagejob_operator.quota.ledger import Ledger
from imagejob_operator.quota.rates import Policy, parse_rate

from support.api_objects import NOW

RATES = ["1/1s", "2/10s", "3/1m", "5/1h", "9/1d"]


def policies() -> st.SearchStrategy[Policy]:
    """Up to three rates."""
    rates = st.lists(st.sampled_from(RATES), min_size=1, max_size=3, unique=True)
    return rates.map(lambda texts: Policy(tuple(parse_rate(text) for text in texts)))


def ages() -> st.SearchStrategy[list[timedelta]]:
    """How long ago ImageJobs were charged, the first one first."""
    milliseconds = st.lists(st.integers(0, 200_000_000), max_size=12)
    return milliseconds.map(
        lambda found: [timedelta(milliseconds=each) for each in sorted(found, reverse=True)]
    )


def charged(policy: Policy, ages: list[timedelta]) -> Ledger:
    """The ledger by NOW."""
    ledger = Ledger(0)
    for number, age in enumerate(ages):
        ledger = ledger.at(NOW - age, policy.rates).charge([f"uid-{number}"])
    return ledger.at(NOW, policy.rates)
