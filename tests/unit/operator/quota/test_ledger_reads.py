"""What is asked for a ledger that the operator does not have."""

from __future__ import annotations

from imagejob_operator.quota.ledger_reads import LedgerReads


def test_before_the_list_any_ledger_may_exist() -> None:
    reads = LedgerReads()
    reads.want("team-a")

    assert not reads.is_missing("team-a")
    assert reads.is_wanted("team-a")
    assert reads.wanted_missing() == []


def test_after_the_list_what_it_lacks_is_missing_and_is_not_read() -> None:
    reads = LedgerReads()
    reads.listed()
    reads.want("team-a")

    assert reads.is_missing("team-a")
    assert not reads.is_wanted("team-a")
    assert reads.wanted_missing() == ["team-a"]


def test_one_that_another_operator_may_have_created_is_read() -> None:
    reads = LedgerReads()
    reads.listed()
    reads.want("team-a")
    reads.outdate("team-a")

    assert not reads.is_missing("team-a")
    assert reads.is_wanted("team-a")
    assert reads.wanted_missing() == []


def test_what_was_read_is_wanted_no_more() -> None:
    reads = LedgerReads()
    reads.listed()
    reads.outdate("team-a")
    reads.want("team-a")
    reads.done("team-a")

    assert not reads.is_wanted("team-a")
    assert reads.wanted_missing() == []
