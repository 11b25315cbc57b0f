"""Each promise's check must fail for a history that breaks the promise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.adversary.history import Dispatch, Finish, History, Life, Meeting, Told, Write
from support.adversary.promises import PROMISES, violations
from support.audit_log import Line

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = timedelta(seconds=5)
LIMIT = 3
BUDGET = 100 << 20


def line(uid: str, seq: int, event: str, reason: str, at: float = 0.0) -> Line:
    return Line(uid, seq, uid, START + timedelta(seconds=at), event, reason, "")


def entry(seq: int, event: str, reason: str) -> dict[str, Any]:
    return {"seq": seq, "event": event, "reason": reason}


def kept() -> History:
    """A correct history: two ImageJobs of the tenant and one of the neighbour."""
    history = History("team", "next", LIMIT, WINDOW, most_between=2, places=3, memory_budget=BUDGET)
    history.namespaces = {"one": "team", "two": "team", "theirs": "next"}
    for number, uid in enumerate(history.namespaces):
        at = START.timestamp() + number
        history.audit += [
            line(uid, 1, "Pending", "Requested", number),
            line(uid, 2, "Queued", "Admitted", number),
            line(uid, 3, "Succeeded", "Succeeded", number + 0.9),
        ]
        history.told.append(Told(uid, "Succeeded", "Succeeded"))
        history.shown[uid] = {
            "audit": [
                entry(1, "Pending", "Requested"),
                entry(2, "Queued", "Admitted"),
                entry(3, "Succeeded", "Succeeded"),
            ]
        }
        folder = f"derived/{uid}"
        history.dispatches.append(Dispatch(at + 0.1, history.namespaces[uid], frozenset({uid})))
        history.lives.append(
            Life(f"pod-{uid}", frozenset({uid}), frozenset({folder}), at + 0.8, at + 0.9)
        )
        history.writes.append(Write(at + 0.5, f"{folder}/thumb.png", f"digest-{uid}", number))
        outputs = ((f"{folder}/thumb.png", f"digest-{uid}"),)
        history.finishes.append(
            Finish(at + 1, uid, "Succeeded", "Succeeded", outputs, f"pod-{uid}")
        )
    history.memory = {"operator, process 1": BUDGET}
    history.most_at_once = 3
    return history


Breaking = Callable[[History], None]
BREAKS: dict[str, tuple[str, Breaking]] = {}


def breaks(promise: str) -> Callable[[Breaking], Breaking]:
    def keep(breaking: Breaking) -> Breaking:
        BREAKS[breaking.__name__.replace("_", " ")] = (promise, breaking)
        return breaking

    return keep


def admit(history: History, *times: float) -> None:
    for number, at in enumerate(times):
        uid = f"more-{number}"
        history.namespaces[uid] = "team"
        history.audit += [
            line(uid, 1, "Pending", "Requested", at),
            line(uid, 2, "Queued", "Admitted", at),
        ]


@breaks("charges in a window")
def one_more_than_the_limit_just_within_a_window(history: History) -> None:
    admit(history, 2, 4.999999)


@breaks("charged once")
def told_of_two_admissions_by_two_operators(history: History) -> None:
    history.audit.append(line("one", 2, "Queued", "Admitted", 0.000001))


@breaks("processed and not charged")
def success_without_an_admission(history: History) -> None:
    history.audit = [each for each in history.audit if (each.uid, each.seq) != ("two", 2)]
    history.audit.append(line("two", 2, "Queued", "Dispatched"))
    history.shown["two"]["audit"][1] = entry(2, "Queued", "Dispatched")


@breaks("sources for a charge")
def another_source_in_a_folder(history: History) -> None:
    history.writes.append(Write(START.timestamp(), "derived/one/full.png", "x", 17))


@breaks("sources for a charge")
def another_source_after_the_store_was_swapped(history: History) -> None:
    at = START.timestamp()
    history.lives.append(Life("pod-b", frozenset({"one"}), frozenset({"deep/one"}), at, at))
    history.writes.append(Write(at, "deep/one/thumb.png", "x", 17))


@breaks("written by a worker of ours")
def a_write_where_no_worker_was_to_write(history: History) -> None:
    history.writes.append(Write(START.timestamp(), "elsewhere/thumb.png", "x", 0))


@breaks("one worker for an ImageJob")
def two_pods_of_one_uid(history: History) -> None:
    history.meetings.append(Meeting(START.timestamp(), "uid one", ("a", "b")))


@breaks("one worker for a destination")
def two_pods_for_one_folder(history: History) -> None:
    history.meetings.append(Meeting(START.timestamp(), "folder out", ("a", "b")))


@breaks("digests of what is stored")
def written_over_before_the_worker_had_ended(history: History) -> None:
    at = START.timestamp() + 0.7
    history.writes.append(Write(at, "derived/one/thumb.png", "another", 0))


@breaks("digests of what is stored")
def never_written(history: History) -> None:
    history.writes = [each for each in history.writes if "two" not in each.key]


@breaks("what is stored stays")
def written_over_by_a_second_pod_of_its_worker(history: History) -> None:
    """The worker had others in it, too."""
    at = START.timestamp() + 3
    history.lives.append(
        Life("pod-b", frozenset({"one", "two"}), frozenset({"derived/one"}), at, at)
    )
    history.writes.append(Write(at, "derived/one/thumb.png", "another", 0))


@breaks("the end is the end")
def failed_and_then_succeeded(history: History) -> None:
    first = history.finishes[0]
    history.finishes.append(first._replace(phase="Failed", reason="TimedOut", outputs=()))


@breaks("a neighbour's turn")
def the_tenant_goes_before_thrice(history: History) -> None:
    at = START.timestamp() + 2.01
    history.dispatches += [
        Dispatch(at + number / 100, "team", frozenset({"one"})) for number in range(3)
    ]


@breaks("a place for who has none")
def all_places_taken_by_one(history: History) -> None:
    history.most_at_once = 4


@breaks("an end for each")
def one_that_never_ends(history: History) -> None:
    history.unsettled = {"one": "Running Processing"}


@breaks("memory")
def a_byte_too_much(history: History) -> None:
    history.memory["operator, process 2"] = BUDGET + 1


@breaks("audit without holes")
def a_line_that_is_missing(history: History) -> None:
    history.audit = [each for each in history.audit if (each.uid, each.seq) != ("one", 2)]
    history.audit.append(line("one", 4, "Queued", "Admitted"))
    history.shown["one"]["audit"] = []


@breaks("audit before status")
def a_status_that_no_line_told_of(history: History) -> None:
    history.shown["one"]["audit"].append(entry(4, "Failed", "TimedOut"))


@breaks("status.audit without holes")
def a_status_with_a_hole(history: History) -> None:
    del history.shown["one"]["audit"][1]


@breaks("the operator's Events")
def an_event_of_what_never_was(history: History) -> None:
    history.told.append(Told("one", "Failed", "TimedOut"))


def test_what_went_as_it_should_breaks_nothing() -> None:
    assert violations(kept()) == []


@pytest.mark.parametrize("case", BREAKS)
def test_a_broken_promise_is_seen(case: str) -> None:
    promise, breaking = BREAKS[case]
    history = kept()
    breaking(history)

    assert {each.name for each in violations(history)} == {promise}


def test_every_promise_can_be_seen_to_fail() -> None:
    assert {promise for promise, _ in BREAKS.values()} == {each.name for each in PROMISES}


def test_at_the_limit_nothing_is_broken() -> None:
    history = kept()
    admit(history, 4.999999, 6)

    assert violations(history) == []


def test_what_others_write_later_is_no_matter() -> None:
    """Another ImageJob for that destination, or the same attempt's bytes again."""
    history = kept()
    end = START.timestamp() + 0.9
    shared = frozenset({"derived/one"})
    history.lives.append(Life("pod-c", frozenset({"two"}), shared, end + 3, end + 4))
    history.writes.append(Write(end + 3, "derived/one/thumb.png", "later", 0))
    history.writes.append(Write(end - 0.5, "derived/one/thumb.png", "digest-one", 0))

    assert violations(history) == []


def test_a_shared_destination_has_as_many_sources_as_charges() -> None:
    history = kept()
    at = START.timestamp()
    shared = frozenset({"derived/one"})
    history.lives.append(Life("pod-c", frozenset({"two"}), shared, at + 3, at + 4))
    history.writes.append(Write(at + 3, "derived/one/thumb.png", "x", 17))
    assert {each.name for each in violations(history)} == {"sources for a charge"}

    history.writes = [each for each in history.writes if "two" not in each.key]
    history.finishes = []

    assert violations(history) == []


def test_a_repeated_line_is_one() -> None:
    history = kept()
    history.audit += [each for each in history.audit if each.uid == "one"]

    assert violations(history) == []
