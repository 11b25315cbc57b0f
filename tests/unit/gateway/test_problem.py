"""Every reason has one status, one title, and a row in the documentation."""

from __future__ import annotations

import re

import pytest
from imagejob_gateway.problem import MEANINGS, Problem, ProblemReason
from imagejob_operator.api.reasons import Reason
from support.paths import ROOT

PAGE = (ROOT / "docs/gateway.md").read_text()


@pytest.mark.parametrize("reason", ProblemReason)
def test_a_reason_means_something(reason: ProblemReason) -> None:
    problem = Problem(reason, "why")

    assert 400 <= problem.status < 600
    assert problem.title
    assert problem.type == f"urn:imagejob:problem:{reason.value}"


def test_the_page_lists_each_reason_with_its_status() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", PAGE, re.MULTILINE)

    assert {name: int(status) for name, status in rows} == {
        reason.value: meaning.status for reason, meaning in MEANINGS.items()
    }


def test_who_may_come_again_is_told_when() -> None:
    assert {reason for reason in ProblemReason if Problem(reason, "").retry_after} == {
        ProblemReason.ISSUER_UNAVAILABLE,
        ProblemReason.TOO_MANY_CONNECTIONS,
        ProblemReason.STATE_FULL,
        ProblemReason.STATE_UNREADABLE,
        ProblemReason.STORE_NOT_FOUND,
        ProblemReason.STORAGE_UNAVAILABLE,
        ProblemReason.API_SERVER_UNAVAILABLE,
    }


def test_a_problem_may_say_itself_how_long_to_wait() -> None:
    assert Problem(ProblemReason.LIMIT_EXCEEDED, "", wait=70).retry_after == 70


def test_the_operator_s_words_are_used_where_it_has_one() -> None:
    shared = {reason.value for reason in ProblemReason} & {reason.value for reason in Reason}

    assert shared == {
        *("TooLarge", "UnsupportedFormat", "ProfileNotFound", "InvalidSpec"),
        *("StoreNotFound", "StorageUnavailable", "QuotaExceeded", "Internal"),
    }
