"""The ledger: its clock, its text, its size."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.quota.history import History
from imagejob_operator.quota.ledger import (
    MAX_CHARGED,
    DispatchRecord,
    Ledger,
    LedgerError,
    decode,
    rebuilt,
)
from imagejob_operator.quota.rates import Rate, usage
from support.examples import examples

NOW = datetime(2026, 11, 22, 10, 0, 0, 250_123, tzinfo=UTC)
MICROS = 1_795_341_600_250_123
HOURLY = [Rate(50, "1h")]
RECORD = DispatchRecord(("uid-a", "uid-b"), "sha256:00")
SECOND = timedelta(seconds=1)


def charged(*uids: str) -> Ledger:
    return Ledger(MICROS).charge(uids)


def test_its_clock_goes_to_the_microsecond() -> None:
    ledger = Ledger(0).at(NOW, HOURLY)

    assert (ledger.as_of, ledger.now, ledger.time) == (MICROS, MICROS // 1000, NOW)


def test_a_charge_has_the_time_of_the_ledger() -> None:
    ledger = charged("a", "b").at(NOW + SECOND, HOURLY).charge(["c"])

    assert ledger.charged == {"a": MICROS, "b": MICROS, "c": MICROS + 1_000_000}
    assert usage(ledger.history, HOURLY, ledger.now)[0].used == 3


@pytest.mark.parametrize(
    ("rates", "behind", "stands_still"),
    [
        (HOURLY, timedelta(microseconds=1), True),
        (HOURLY, timedelta(seconds=5), True),
        (HOURLY, timedelta(seconds=5, microseconds=1), False),
        ([*HOURLY, Rate(1, "2s")], timedelta(seconds=2), True),
        ([*HOURLY, Rate(1, "2s")], timedelta(seconds=2, microseconds=1), False),
        (HOURLY, timedelta(days=3000), False),
    ],
)
def test_its_clock_stands_still_until_it_is_far_behind(
    rates: list[Rate], behind: timedelta, *, stands_still: bool
) -> None:
    ledger = charged("a")

    moved = ledger.at(NOW - behind, rates)

    assert moved.time == (NOW if stands_still else NOW - behind)
    assert (moved == ledger) == stands_still
    assert moved.charged == ledger.charged


def test_a_clock_that_is_put_back_blocks_for_one_window() -> None:
    rates = [Rate(1, "1m")]
    back = charged("a").at(NOW - timedelta(days=30), rates)

    (use,) = usage(back.history, rates, back.now)

    assert use.remaining == 0
    assert use.next_available is not None
    assert 60_000 < use.next_available - back.now < 60_500


def test_a_dispatch_takes_the_next_number() -> None:
    ledger = Ledger(MICROS, number=6).dispatch("ij-1", RECORD)

    assert ledger.number == 7
    assert ledger.dispatches == {"ij-1": RECORD}


def test_a_dispatch_by_another_order_keeps_its_number() -> None:
    other = DispatchRecord(("uid-a",), "sha256:01")

    ledger = Ledger(MICROS).dispatch("ij-1", RECORD).redispatch("ij-1", other)

    assert ledger.number == 1
    assert ledger.dispatches == {"ij-1": other}


def test_what_is_forgotten_stays_charged() -> None:
    ledger = charged("a", "b").dispatch("ij-1", RECORD).dispatch("ij-2", RECORD)

    without = ledger.without(uids=["a", "unknown"], names={"ij-2"})

    assert without.charged.keys() == {"b"}
    assert without.dispatches.keys() == {"ij-1"}
    assert (without.history, without.number) == (ledger.history, 2)


def test_its_data_can_be_read_by_people() -> None:
    ledger = charged("a", "b").dispatch("ij-1", RECORD)

    assert ledger.encode() == {
        "format": "1",
        "asOf": "2026-11-22T10:00:00.250123Z",
        "number": "1",
        "history": "BQA=",
        "charged": "a 2026-11-22T10:00:00.250123Z\nb 2026-11-22T10:00:00.250123Z\n",
        "dispatches": "ij-1 sha256:00 uid-a uid-b\n",
    }


words = st.text("abcdef0123456789-:", min_size=1, max_size=40)
records = st.builds(DispatchRecord, st.lists(words, min_size=1, max_size=3).map(tuple), words)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    as_of = draw(st.integers(2**50, 2**52))
    history = History()
    for age in draw(st.lists(st.integers(0, 2**36), max_size=3)):
        history = history.add(as_of // 1000 - age, draw(st.integers(1, 2**40)))
    return Ledger(
        as_of,
        number=draw(st.integers(0, 2**60)),
        history=history.compacted(as_of // 1000),
        charged=draw(st.dictionaries(words, st.integers(0, 2**52), max_size=5)),
        dispatches=draw(st.dictionaries(words, records, max_size=5)),
    )


@settings(max_examples=examples(200))
@given(ledgers())
def test_what_is_written_is_read_back(ledger: Ledger) -> None:
    assert decode(ledger.encode()) == ledger


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format": "2"}, "field 'format' is '2'"),
        ({"format": None}, "field 'format' is missing"),
        ({"history": None}, "field 'history' is missing"),
        ({"asOf": "soon"}, "field 'asOf': .*RFC3339"),
        ({"asOf": "2026-11-22T10:00:00"}, "timezone"),
        ({"number": "-1"}, "int"),
        ({"number": "many"}, "int"),
        ({"history": "?"}, "base64"),
        ({"history": "gA=="}, "ends within a number"),
        ({"charged": "a"}, "field 'charged': line 'a' is not"),
        ({"charged": "a never"}, "RFC3339"),
        ({"charged": "a 2026-11-22T10:00:00Z b"}, "is not a UID and a time"),
        ({"dispatches": "ij-1 sha256:00"}, "'ij-1 sha256:00' is not a worker Job"),
    ],
    ids=str,
)
def test_an_invalid_ledger_is_rejected(change: dict[str, str | None], why: str) -> None:
    data = {**charged("a").dispatch("ij-1", RECORD).encode(), **change}

    with pytest.raises(LedgerError, match=why):
        decode({key: value for key, value in data.items() if value is not None})


def uuid(number: int) -> str:
    return f"{number:08x}-b0c5-4d4f-9cbe-1f1d6b3f2a11"


@pytest.mark.parametrize(("records", "each"), [(256, 1), (64, 8), (32, 16)])
def test_a_whole_ledger_is_below_64_kib(records: int, each: int) -> None:
    ledger = Ledger(MICROS)
    for number in range(MAX_CHARGED):  # each at its own time
        ledger = ledger.at(NOW + SECOND * number, HOURLY).charge([uuid(number)])
    for number in range(records):
        uids = tuple(uuid(number * each + item) for item in range(each))
        record = DispatchRecord(uids, f"sha256:{number:064x}")
        ledger = ledger.dispatch(f"ij-{number:016x}", record)

    data = ledger.encode() | {"history": "A" * 11 * 1024}  # test_history_size.py's bound

    assert len(msgspec.json.encode(data)) < 64 * 1024


def test_a_lost_ledger_is_rebuilt_from_what_the_image_jobs_show() -> None:
    whole = NOW.replace(microsecond=0)
    shown = [whole - timedelta(minutes=50), whole - timedelta(minutes=50), whole]

    ledger = rebuilt(shown, NOW)

    assert ledger.time == NOW
    assert (ledger.charged, ledger.dispatches) == ({}, {})
    (use,) = usage(ledger.history, [Rate(2, "1h")], ledger.now)
    # It was some time in that second: the ledger uses its end.
    assert use.next_available == Rate(2, "1h").frees(ledger.now // 1000 * 1000 - 2_999_000)
    assert ledger.history.slots[0] == (ledger.now // 8 * 8 + 8, 1)


def test_a_rebuilt_ledger_remembers_who_does_not_show_it_yet() -> None:
    ledger = rebuilt([NOW], NOW, {"a": NOW})

    assert ledger.charged == {"a": MICROS}
    assert usage(ledger.history, HOURLY, ledger.now)[0].used == 1


def test_a_rebuilt_ledger_takes_no_time_for_later_than_now() -> None:
    ledger = rebuilt([NOW + timedelta(days=2)], NOW)

    assert ledger.history.slots == ((ledger.now // 8 * 8 + 8, 1),)


def test_a_rebuilt_ledger_gives_no_worker_a_name_that_an_earlier_one_had() -> None:
    assert rebuilt([NOW], NOW).number == int(NOW.timestamp())
    assert rebuilt([], NOW).number == 0
