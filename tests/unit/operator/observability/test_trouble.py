"""Two lines for a trouble, however often it fails in between."""

from __future__ import annotations

import logging

import pytest
from imagejob_operator.observability.trouble import CALM_SECONDS, Trouble

log = logging.getLogger("test")


class Clock:
    """That a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trouble(clock: Clock, caplog: pytest.LogCaptureFixture) -> Trouble:
    caplog.set_level(logging.INFO)
    return Trouble(log, "it fails", "it works again", clock=clock)


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(each.levelname, each.getMessage()) for each in caplog.records]


def test_what_works_is_not_told(trouble: Trouble, caplog: pytest.LogCaptureFixture) -> None:
    trouble.worked()

    assert lines(caplog) == []


def test_a_trouble_has_a_beginning_and_an_end(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for why in ("refused", "too slow", "refused"):
        trouble.failed(why)
        clock.now += 3
    trouble.worked()
    clock.now = 6 + CALM_SECONDS
    trouble.worked()
    trouble.worked()

    assert lines(caplog) == [
        ("WARNING", "it fails: refused"),
        ("INFO", "it works again, after 6 s and 3 failures"),
    ]


def test_what_fails_every_other_time_is_one_trouble(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(100):
        trouble.failed("refused")
        clock.now += CALM_SECONDS / 2
        trouble.worked()

    assert lines(caplog) == [("WARNING", "it fails: refused")]


def test_the_next_trouble_is_told_anew(
    trouble: Trouble, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.failed("refused")
    clock.now += CALM_SECONDS
    trouble.worked()
    trouble.failed("too slow")

    assert [level for level, _ in lines(caplog)] == ["WARNING", "INFO", "WARNING"]
