"""The worker's report, written by the worker, by nobody, or by an attacker."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.api.reasons import FINAL, RETRYABLE, Reason
from imagejob_operator.contract.report import (
    NOTES,
    OUTPUT_FORMATS,
    SOURCE_FORMATS,
    Done,
    Entry,
    Failed,
    Made,
    Needs,
    Read,
    Removed,
    ReportError,
    SourceFacts,
    WorkerReason,
    decode,
)
from support.api_objects import DIGEST, done, failed, report
from support.paths import DATA

DEEP = 3000
"""Arrays, one in the other: more than Python's stack allows."""

GOLDEN = sorted((DATA / "reports").glob("*.txt"))


@pytest.mark.parametrize("file", GOLDEN, ids=lambda file: file.stem)
def test_what_the_worker_writes_is_read_as_it_was_meant(file: Path) -> None:
    meant = json.loads(file.with_suffix(".json").read_text())

    entries = decode(file.read_text())

    assert meant == [_shown(entry) for entry in entries]


def test_a_report_that_nests_too_deeply_is_none() -> None:
    nested = msgspec.msgpack.encode([[3]])[:2] + b"\x91" * DEEP + b"\xc0"
    longer = b"\x91\x93\x03" + msgspec.msgpack.encode([1, 0, 0, 0, 9, DIGEST]) + nested[2:]

    for data in (nested, longer):
        with pytest.raises(ReportError):
            decode("ij1:" + base64.b85encode(data).decode())


def _shown(entry: Entry) -> Any:
    """An entry in the notation of the golden files."""
    match entry:
        case Done():
            return {
                "done": {
                    "source": _source(entry.source),
                    "milliseconds": entry.millis,
                    "removed": list(Removed(entry.removed).names()),
                    "notes": [_NOTES[bit] for bit in NOTES if entry.notes & bit],
                    "outputs": [_made(made) for made in entry.outputs],
                }
            }
        case Failed():
            source = {"source": _source(entry.source) if entry.source else None}
            return {
                "failed": {
                    "reason": entry.reason,
                    "message": entry.message,
                    "milliseconds": entry.millis,
                    **source,
                }
            }
        case Read():
            return {"read": {"source": _source(entry.source)}}
        case Needs():
            return {"needs": {"source": _source(entry.source), "memory": entry.memory}}
        case None:
            return None


_NOTES = {1: "iccDropped", 2: "framesUnused", 4: "noLandlock", 8: "noSeccomp"}


def _source(facts: SourceFacts) -> dict[str, Any]:
    named = msgspec.structs.asdict(facts)
    known = SOURCE_FORMATS.get(facts.format, "unknown")
    return {**named, "format": known, "sha256": facts.sha256.hex()}


def _made(made: Made) -> dict[str, Any]:
    named = msgspec.structs.asdict(made)
    return {**named, "format": OUTPUT_FORMATS[made.format], "sha256": made.sha256.hex()}


def test_what_follows_the_first_line_is_ignored() -> None:
    assert decode(report(failed())) == decode(report(failed()) + "\nleft from a longer one")


SOURCE = [1, 10, 10, 1, 100, DIGEST]
FORGED = {
    "nothing": "",
    "another prefix": "ij2:" + report(done())[4:],
    "no base85": "ij1:\x00",
    "no MessagePack": "ij1:" + base64.b85encode(b"\xc1").decode(),
    "no array": "ij1:" + base64.b85encode(msgspec.msgpack.encode({"a": 1})).decode(),
    "cut short": report(done())[:-9],
    "an unknown tag": report([5, SOURCE]),
    "a reason that no worker gives": report(failed("QuotaExceeded")),
    "a format that nobody writes": report([1, SOURCE, 1, 0, 0, [[6, 1, 1, 1, DIGEST]]]),
    "a digest that is too short": report([1, SOURCE, 1, 0, 0, [[1, 1, 1, 1, DIGEST[:31]]]]),
    "a source's digest that is too short": report([1, [*SOURCE[:5], b"1"], 1, 0, 0, []]),
    "a source that was read, without a digest": report([3, [*SOURCE[:5], b""]]),
    "a source that needs memory, without a digest": report([4, [*SOURCE[:5], b""], 1 << 30]),
    "no memory": report([4, SOURCE, 0]),
    "more memory than there is": report([4, SOURCE, 1 << 60]),
    "a negative size": report([1, SOURCE, 1, 0, 0, [[1, -1, 1, 1, DIGEST]]]),
    "an unknown kind of metadata": report([1, SOURCE, 1, 1024, 0, []]),
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED)
def test_a_forged_report_is_no_report(text: str) -> None:
    with pytest.raises(ReportError):
        decode(text)


@given(st.one_of(st.text(), st.binary().map(lambda raw: "ij1:" + base64.b85encode(raw).decode())))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        entries = decode(text)
    except ReportError:
        return

    assert all(
        entry is None or isinstance(entry, Done | Failed | Needs | Read) for entry in entries
    )


def test_every_reason_of_a_worker_is_one_of_ours_and_final_or_retryable() -> None:
    assert {Reason(name) for name in get_args(WorkerReason)} <= FINAL | RETRYABLE
