"""The reasons, their classes, and the page that explains them."""

from __future__ import annotations

import re

from imagejob_operator.api.reasons import FINAL, RETRYABLE, WAITING, Reason
from imagejob_operator.contract.report import NOTES
from support.paths import ROOT

PAGE = ROOT / "docs" / "reasons.md"
PROGRESS = {
    Reason.REQUESTED,
    Reason.ADMITTED,
    Reason.WAITING_FOR_WORKER,
    Reason.DISPATCHED,
    Reason.PROCESSING,
    Reason.SUCCEEDED,
    Reason.TTL_EXPIRED,
}


def test_every_reason_is_of_one_class() -> None:
    classes = [PROGRESS, WAITING, FINAL, RETRYABLE]

    assert sum(len(each) for each in classes) == len(Reason)
    assert set().union(*classes) == set(Reason)


def test_the_page_explains_every_reason_in_its_class() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE.read_text(), re.MULTILINE)
    classes = dict(rows)

    assert {reason.value for reason in Reason} == set(classes)
    assert {reason.value for reason in FINAL} == {
        name for name, kind in classes.items() if kind == "final"
    }
    assert {reason.value for reason in RETRYABLE} == {
        name for name, kind in classes.items() if kind == "retryable"
    }


def test_the_page_lists_every_note_of_a_worker() -> None:
    rows = re.findall(
        r"^\| (the source.*?|a desc.*?|part of.*?|the node.*?) \|", PAGE.read_text(), re.MULTILINE
    )

    assert sorted(NOTES.values()) == sorted(rows)
