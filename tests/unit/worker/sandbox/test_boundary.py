"""What the worker accepts from a child: how it ended, and its result before that."""

from __future__ import annotations

import signal
from typing import Any

import msgspec
import pytest
from imagejob_worker.contract.facts import Note
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.sandbox import boundary
from imagejob_worker.sandbox.ipc import Exit

FACTS = ["jpeg", 4, 3, 1]
MADE = ["thumb", "0", "webp", 2, 1]


def said(*parts: Any) -> bytes:
    return msgspec.msgpack.encode(parts)


MEMORY = 64 << 20


def ended(status: int, words: bytes = b"", *, late: bool = False, used: int = 0) -> Exit:
    return Exit(status, late, words, used)


def test_a_good_answer_is_taken() -> None:
    product = boundary.judge_result(ended(0, said(1, FACTS, [MADE], 3, 1)), MEMORY)

    assert (product.source.format, product.outputs[0].file, product.removed) == ("jpeg", "0", 3)


@pytest.mark.parametrize("note", Note)
def test_every_note_is_taken(note: Note) -> None:
    product = boundary.judge_result(ended(0, said(1, FACTS, [MADE], 3, int(note))), MEMORY)

    assert product.notes == note


def test_an_answer_may_follow_the_word_that_the_source_is_decoded() -> None:
    whole = said(1, FACTS, [MADE], 3, 1)

    assert boundary.judge_result(
        ended(0, boundary.DECODED + whole), MEMORY
    ) == boundary.judge_result(ended(0, whole), MEMORY)


@pytest.mark.parametrize(
    ("end", "reason", "words"),
    [
        pytest.param(ended(-9, late=True), "TimedOut", "time limit", id="killed by our clock"),
        pytest.param(
            ended(0, said(1, FACTS, [], 0, 0), late=True), "TimedOut", "time limit", id="late"
        ),
        pytest.param(ended(-signal.SIGXCPU), "TimedOut", "time limit", id="out of CPU"),
        pytest.param(ended(-9), "OutOfMemory", "kernel", id="killed by the kernel"),
        pytest.param(ended(-11), "CorruptImage", "SIGSEGV", id="segmentation fault"),
        pytest.param(ended(-6), "CorruptImage", "SIGABRT", id="abort"),
        pytest.param(ended(-7), "CorruptImage", "SIGBUS", id="bus error"),
        pytest.param(ended(-4), "CorruptImage", "SIGILL", id="illegal instruction"),
        pytest.param(ended(-40), "CorruptImage", "signal 40", id="a nameless signal"),
        pytest.param(ended(-11, used=33 << 20), "OutOfMemory", "33 of 64 MiB", id="crash, full"),
        pytest.param(ended(-11, used=31 << 20), "CorruptImage", "SIGSEGV", id="crash, half full"),
        pytest.param(
            ended(-11, boundary.DECODED), "Internal", "SIGSEGV.* after", id="crash, once decoded"
        ),
        pytest.param(
            ended(-signal.SIGSYS, boundary.DECODED, used=33 << 20),
            "CorruptImage",
            "SIGSYS.* the sandbox forbids",
            id="a forbidden call, whatever it said",
        ),
        pytest.param(ended(1), "Internal", "code 1", id="ended without a word"),
        pytest.param(ended(0, said(2, "TooLarge", "so", None)), "TooLarge", "so", id="gave up"),
    ],
)
def test_how_a_child_ended_is_a_reason(end: Exit, reason: str, words: str) -> None:
    with pytest.raises(ItemFailure, match=words) as caught:
        boundary.judge_result(end, MEMORY)

    assert reason == caught.value.reason


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param(b"\xff" * 100, id="noise"),
        pytest.param(said(1, FACTS, [MADE] * 17, 0, 0), id="too many outputs"),
        pytest.param(said(1, FACTS, [["t", "../x", "webp", 2, 1]], 0, 0), id="a path upwards"),
        pytest.param(said(1, FACTS, [["t", "/etc/passwd", "webp", 2, 1]], 0, 0), id="a whole path"),
        pytest.param(said(1, FACTS, [["t", "..", "webp", 2, 1]], 0, 0), id="the folder above"),
        pytest.param(said(1, FACTS, [["t", "a\0b", "webp", 2, 1]], 0, 0), id="NUL in a name"),
        pytest.param(said(1, FACTS, [["t", "0", "html", 2, 1]], 0, 0), id="an unknown format"),
        pytest.param(said(1, FACTS, [["t", "0", "webp", 0, 1]], 0, 0), id="no width"),
        pytest.param(said(1, ["jpeg", -1, 3, 1], [MADE], 0, 0), id="a negative side"),
        pytest.param(said(1, FACTS, [MADE], 1 << 20, 0), id="unknown bits"),
        pytest.param(said(2, "Succeeded", "", None), id="a reason that is none"),
        pytest.param(said(2, "TooLarge", "x" * 5000, None), id="an endless message"),
        pytest.param(said(3), id="neither done nor refused"),
    ],
)
def test_an_answer_out_of_bounds_is_not_believed(lie: bytes) -> None:
    with pytest.raises(ItemFailure, match="no valid result") as caught:
        boundary.judge_result(ended(0, lie), MEMORY)

    assert caught.value.reason == "Internal"
