"""A ledger is read again for an ImageJob that has a worker and no known charge."""

from __future__ import annotations

from imagejob_operator.quota.charge_lookups import ChargeLookups

CAT, DOG = "uid-cat", "uid-dog"


def test_a_ledger_is_to_be_read_once() -> None:
    lookups = ChargeLookups()

    asked = [lookups.open(CAT, "team-a", can_read=True) for _ in range(2)]

    assert asked == [True, False]


def test_only_a_read_of_its_own_namespace_answers() -> None:
    lookups = ChargeLookups()
    lookups.open(CAT, "team-a", can_read=True)
    lookups.note_read("team-b")
    before = lookups.is_answered(CAT)

    lookups.note_read("team-a")

    assert (before, lookups.is_answered(CAT)) == (False, True)


def test_an_earlier_read_answers_no_lookup() -> None:
    lookups = ChargeLookups()
    lookups.note_read("team-a")

    lookups.open(CAT, "team-a", can_read=True)

    assert not lookups.is_answered(CAT)


def test_a_ledger_that_is_being_written_is_asked_for_after() -> None:
    lookups = ChargeLookups()

    asked = [lookups.open(CAT, "team-a", can_read=can) for can in (False, True)]

    assert asked == [False, True]


def test_a_read_without_a_lookup_is_no_answer() -> None:
    lookups = ChargeLookups()
    lookups.open(CAT, "team-a", can_read=False)

    lookups.note_read("team-a")

    assert not lookups.is_answered(CAT)


def test_who_waits_for_a_ledger_is_known_until_the_answer_is_there() -> None:
    lookups = ChargeLookups()
    lookups.open(CAT, "team-a", can_read=True)
    lookups.open(DOG, "team-a", can_read=False)
    lookups.open("uid-emu", "team-b", can_read=True)
    before = lookups.open_in("team-a")

    lookups.close(CAT)

    assert (before, lookups.open_in("team-a")) == ([CAT, DOG], [DOG])


def test_the_next_read_answers_however_many_there_were_before() -> None:
    lookups = ChargeLookups()
    for _ in range(2):
        lookups.note_read("team-a")
    lookups.open(CAT, "team-a", can_read=True)

    lookups.note_read("team-a")

    assert lookups.is_answered(CAT)
