"""The report: matches tests/data/reports, stays within its budget, and is always complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.scheduling import batching
from imagejob_worker.contract import report
from imagejob_worker.contract.failures import Reason
from imagejob_worker.contract.order import Order
from imagejob_worker.contract.order import decode as decode_order
from imagejob_worker.contract.report import (
    Done,
    Entry,
    Failed,
    Output,
    Read,
    ReportError,
    ReportFile,
    Source,
)
from support import report_json
from support.examples import examples
from support.paths import DATA
from support.worker_process import encoded, item, order

REPORTS = DATA / "reports"
GOLDEN = sorted(path.stem for path in REPORTS.glob("*.json"))
KUBERNETES_KEEPS = 4096


def golden(name: str) -> tuple[list[Any], str]:
    readable = msgspec.json.decode((REPORTS / f"{name}.json").read_bytes())
    return report_json.payload(readable), (REPORTS / f"{name}.txt").read_text("ascii")


def entries(payload: list[Any]) -> list[Entry | Read | None]:
    return msgspec.convert(payload, list[Entry | Read | None])


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_report_is_written_to_the_letter(name: str) -> None:
    payload, text = golden(name)

    assert text == report.encode(entries(payload))


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_report_is_read_back(name: str) -> None:
    payload, text = golden(name)

    assert entries(payload) == report.decode(text)


MOST = 2**32 - 1
SOURCE = Source(1, 4000, 3000, 1, 2_000_000, bytes(32))
LARGEST_SOURCE = Source(6, 0xFFFF, 0xFFFF, 0xFFFF, MOST, b"\xff" * 32)
LARGEST_OUTPUT = Output(4, 16383, 16383, MOST, b"\xff" * 32)
LARGEST_SMALL = Done(LARGEST_SOURCE, MOST, 0x3FF, 0x7F, (LARGEST_OUTPUT,))
LARGEST_DONE = Done(LARGEST_SOURCE, MOST, 0x3FF, 0x7F, (LARGEST_OUTPUT,) * 3)


def largest_failed(message: str) -> Failed:
    return Failed("StorageUnavailable", message, MOST, LARGEST_SOURCE)


AT_LENGTH = largest_failed("m" * 512)
HALF = MAX_BATCH // 2


@pytest.mark.parametrize(
    "worst",
    [
        pytest.param([LARGEST_DONE] * 16, id="all done"),
        pytest.param([AT_LENGTH] * 16, id="all failed, at length"),
        pytest.param([LARGEST_DONE] * 15 + [AT_LENGTH], id="one failed"),
        pytest.param([LARGEST_DONE, AT_LENGTH] * 8, id="half and half"),
        pytest.param([LARGEST_SMALL] * MAX_BATCH, id="a full batch of one output, done"),
        pytest.param([AT_LENGTH] * MAX_BATCH, id="a full batch of one output, failed"),
        pytest.param(
            [LARGEST_SMALL, AT_LENGTH] * HALF,
            id="a full batch, half and half",
        ),
        pytest.param([Read(LARGEST_SOURCE), AT_LENGTH] * HALF, id="half read"),
    ],
)
def test_as_many_items_as_an_operator_sends_fit_however_they_end(
    worst: list[Entry | Read | None],
) -> None:
    text = report.encode(worst)

    assert len(text) <= KUBERNETES_KEEPS
    for entry in report.decode(text):
        assert not isinstance(entry, Failed) or len(entry.message) >= report.MESSAGE_WORST


unsigned = st.integers(0, MOST)
sources = st.builds(
    report.source, unsigned, st.binary(min_size=32, max_size=32), st.sampled_from(report.FORMATS),
    unsigned, unsigned, unsigned,
)  # fmt: skip
outputs = st.builds(
    report.output, st.sampled_from(report.FORMATS), st.integers(1, 16383), st.integers(1, 16383),
    unsigned, st.binary(min_size=32, max_size=32),
)  # fmt: skip
failures = st.builds(
    report.failed, st.sampled_from(get_args(Reason)), st.text(max_size=600), unsigned,
    st.none() | sources,
)  # fmt: skip


needs = st.builds(report.Needs, sources, st.integers(1, 2**48))


def done_with(most: int) -> st.SearchStrategy[Done]:
    return st.builds(
        Done, sources, unsigned, st.integers(0, 0x3FF), st.integers(0, 0x7F),
        st.lists(outputs, max_size=most).map(tuple),
    )  # fmt: skip


def most_items(outputs_each: int) -> int:
    """The maximum that the operator puts into one order."""
    item = max(batching.DONE_BYTES + outputs_each * batching.OUTPUT_BYTES, batching.FAILED_BYTES)
    return min(MAX_BATCH, (batching.REPORT_BYTES - batching.FRAME_BYTES) // item)


@st.composite
def reports(draw: st.DrawFn) -> list[Entry | Read | None]:
    outputs_each = draw(st.integers(1, 16))
    entry = st.none() | done_with(outputs_each) | failures | needs | st.builds(Read, sources)
    return draw(st.lists(entry, min_size=1, max_size=most_items(outputs_each)))


def test_the_largest_batch_is_the_same_for_operator_and_worker() -> None:
    (bound,) = get_args(get_type_hints(Order, include_extras=True)["items"])[1:]

    assert (bound.max_length, most_items(outputs_each=1)) == (MAX_BATCH, MAX_BATCH)


@settings(max_examples=examples(150))
@given(reports())
def test_any_report_fits_and_comes_back_but_for_the_length_of_messages(
    written: list[Entry | Read | None],
) -> None:
    text = report.encode(written)

    assert text.isascii()
    assert len(text) <= KUBERNETES_KEEPS
    for before, after in zip(written, report.decode(text), strict=True):
        if isinstance(before, Failed):
            assert isinstance(after, Failed)
            assert before.message.startswith(after.message.removesuffix("..."))
            assert msgspec.structs.replace(before, message="") == msgspec.structs.replace(
                after, message=""
            )
        else:
            assert before == after


@settings(max_examples=examples(150))
@given(done_with(3) | failures | needs, st.none() | st.builds(Read, sources))
def test_an_unfinished_item_never_takes_more_than_the_budget_grants_an_ended_one(
    ended: Entry, unfinished: Read | None
) -> None:
    asked = decode_order(encoded(order([item("a", [{"name": "o"}])])))
    size = len(msgspec.msgpack.encode([unfinished]))

    assert size <= 3 + 52
    assert size <= report.worst_case(asked)
    report.encode([ended, unfinished])


def test_the_longest_messages_are_cut_first() -> None:
    short, long = largest_failed("short"), largest_failed("long " * 100)

    read = report.decode(report.encode([LARGEST_DONE] * 14 + [short, long]))

    assert short == read[14]
    assert isinstance(read[15], Failed)
    assert read[15].message.endswith("...")
    assert 200 < len(read[15].message) < len(long.message)


def test_a_message_becomes_one_line_of_printable_ascii() -> None:
    failed = report.failed("Internal", "Grüße\n\x1b[2J\x7f \U0001f431", 1, None)

    assert failed.message == r"Gr\xfc\xdfe  [2J  \U0001f431"


def test_a_report_that_no_cutting_makes_fit_is_an_error() -> None:
    with pytest.raises(report.ReportTooLongError):
        report.encode([Done(SOURCE, 1, 0, 0, (LARGEST_OUTPUT,) * 16)] * 16)


@pytest.mark.parametrize(
    ("items", "outputs_each", "fits"),
    [(1, 16, True), (16, 3, True), (16, 4, False), (4, 16, True), (5, 16, False)],
)
def test_the_worst_case_of_an_order_is_known_beforehand(
    items: int, outputs_each: int, *, fits: bool
) -> None:
    wanted = [{"name": f"o{number}"} for number in range(outputs_each)]
    asked = decode_order(encoded(order([item("a", wanted) for _ in range(items)])))

    assert fits == (report.worst_case(asked) <= report.PAYLOAD_BYTES)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("Traceback (most recent call last):", id="words"),
        pytest.param("ij2:k0", id="another version"),
        pytest.param("ij1:\u00fc", id="not base85"),
        pytest.param("ij1:", id="no payload"),
        pytest.param("ij1:" + "0" * 10, id="not MessagePack of entries"),
    ],
)
def test_an_invalid_report_is_reported_as_such(text: str) -> None:
    with pytest.raises(ReportError):
        report.decode(text)


def test_the_file_holds_the_whole_report_after_each_item(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    file = ReportFile(str(path), 3)
    done = Done(SOURCE, 5, 1, 0, ())
    failed = Failed("Internal", "m" * 500, 5, None)

    file.record(2, failed)
    assert report.decode(path.read_text()) == [None, None, failed]
    file.record(0, done)
    assert report.decode(path.read_text()) == [done, None, failed]


def test_the_file_holds_a_report_before_any_item_and_of_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    file = ReportFile(str(path), 2)

    file.begin()
    assert report.decode(path.read_text()) == [None, None]
    file.record(1, Read(SOURCE))
    assert report.decode(path.read_text()) == [None, Read(SOURCE)]
    file.record(1, Failed("Internal", "m", 5, SOURCE))
    assert report.decode(path.read_text()) == [None, Failed("Internal", "m", 5, SOURCE)]


def test_what_an_older_and_longer_text_leaves_behind_is_ignored() -> None:
    text = report.encode([None, None])

    assert report.decode(text + "the rest of what stood here before") == [None, None]


def test_the_file_stays_the_same_file(tmp_path: Path) -> None:
    """A termination log is a mount: nobody would read a file that replaces it."""
    path = tmp_path / "termination-log"
    path.write_text("x" * 5000)
    before = path.stat().st_ino
    ReportFile(str(path), 1).record(0, Done(SOURCE, 5, 1, 0, ()))

    assert before == path.stat().st_ino
    assert path.stat().st_size < 200


def test_an_order_s_fault_is_left_in_words(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    ReportFile(str(path), 0).explain("the work order can't be read: ü" + "x" * 5000)

    assert path.read_text("ascii").startswith(r"the work order can't be read: \xfc")
    assert path.stat().st_size <= KUBERNETES_KEEPS
