"""Following the ImageJobs: what a log without a terminal shows, and when following gives up."""

from __future__ import annotations

import io
import json
import queue

import pytest
from imagejob_demo import live
from imagejob_demo.watch import Watch
from imagejob_dev.errors import DevError
from rich.console import Console

EXPECTED = {"lighthouse": "a photo", "bomb": "a bad upload"}


def event(name: str, phase: str = "", reason: str = "") -> bytes:
    conditions = [{"type": "Ready", "status": "False", "reason": reason, "message": "why"}]
    status = {"phase": phase, "conditions": conditions} if phase else {}
    job = {"kind": "ImageJob", "metadata": {"name": name, "uid": "1"}, "status": status}
    return json.dumps({"type": "MODIFIED", "object": job}).encode() + b"\n"


def watch(*lines: bytes | None) -> Watch:
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    for line in lines:
        waiting.put(line)
    return Watch(waiting)


def follow(watch: Watch, seconds: float = 5.0) -> list[str]:
    """The lines shown, without their times."""
    shown = io.StringIO()
    live.follow(Console(file=shown, width=80), watch, EXPECTED, seconds, lambda: None)
    return [line.partition(" s  ")[2] for line in shown.getvalue().splitlines()]


def test_each_change_is_shown_once() -> None:
    changes = watch(
        event("lighthouse"),
        event("lighthouse", "Queued", "Dispatched"),
        event("lighthouse", "Queued", "Dispatched"),
        event("somebody-elses", "Succeeded", "Succeeded"),
        event("bomb", "Failed", "TooLarge"),
        event("lighthouse", "Succeeded", "Succeeded"),
    )

    assert follow(changes) == [
        "lighthouse  applied",
        "lighthouse  Queued     Dispatched",
        "bomb        Failed     TooLarge",
        "lighthouse  Succeeded",
    ]


def test_gives_up_when_the_watch_ends() -> None:
    with pytest.raises(
        live.StuckError, match="lighthouse \\(Queued Dispatched\\), bomb \\(unseen\\)"
    ):
        follow(watch(event("lighthouse", "Queued", "Dispatched"), None))


def test_gives_up_when_the_time_is_over() -> None:
    with pytest.raises(live.StuckError, match="not finished after 0 s"):
        follow(watch(), seconds=0.0)


def test_gives_up_when_the_operator_is_gone() -> None:
    def gone() -> None:
        raise DevError("the operator ended")

    with pytest.raises(DevError, match="the operator ended"):
        live.follow(Console(file=io.StringIO()), watch(), EXPECTED, 5.0, gone)


def test_a_bookmark_says_that_the_watch_sees_everything() -> None:
    bookmark = {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "7"}}}
    begun = watch(json.dumps(bookmark).encode())

    begun.wait_for_begin()

    assert begun.jobs == {}
