"""The worker's log: one line per item, whatever its names contain."""

from __future__ import annotations

import pytest
from imagejob_worker import log
from imagejob_worker.contract.order import Destination, Item, Limits, Output, Source
from imagejob_worker.contract.report import Done, Failed, output, source

ITEM = Item(
    "0b5e6a3e-3f0c-4d55-a1a9-3a3f0a3c1d11", Source("s", "k"), Destination("s", "p"),
    (Output("thumb"), Output("full")), Limits(1, 1, 1),
)  # fmt: skip


def test_a_success_names_what_was_made() -> None:
    made = (output("webp", 320, 240, 12595, b""), output("jpeg", 4032, 3024, 3 << 20, b""))
    line = log.described(ITEM, Done(source(1, b""), 148, 0, 0, made))

    assert line == (
        "0b5e6a3e-3f0c-4d55-a1a9-3a3f0a3c1d11 done in 148 ms: "
        "thumb.webp 320x240 12.3 KiB, full.jpg 4032x3024 3.0 MiB"
    )


def test_a_failure_says_why() -> None:
    line = log.described(ITEM, Failed("TooLarge", "over the limit", 3, None))

    assert line.endswith("failed in 3 ms: TooLarge: over the limit")


def test_a_line_stays_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log.say("a\nb\x1b[31m\u202ec")

    assert capsys.readouterr().err == "a\\nb\\x1b[31m\\u202ec\n"
