"""The runbook's table of faults is complete: every alert has a row, or a reason why not."""

from __future__ import annotations

import pytest
from support.alerting import Row, table
from support.faults import FAULTS, WITHOUT
from support.monitoring import alert_expressions

ROWS = table()


def test_every_alert_has_a_row_or_a_reason_why_not() -> None:
    tried = {row.alert for row in ROWS}

    assert not tried & WITHOUT.keys()
    assert tried | WITHOUT.keys() == {name for name, _ in alert_expressions()}


def test_every_row_has_a_fault_that_is_brought_about_and_every_fault_a_row() -> None:
    assert {row.fault for row in ROWS} == FAULTS.keys()


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_leads_to_its_alert(row: Row) -> None:
    assert row.anchor == row.alert.lower()
