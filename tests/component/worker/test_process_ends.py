"""A worker that is stopped or killed, or can't go on: what it has reported by then stays."""

from __future__ import annotations

import shutil
import signal
import sys
import time

import pytest
from imagejob_worker.contract import report
from support import worker_process
from support.conditions import SECONDS, alive, until
from support.started_worker import READ, finished_first, hanging, reported, started
from support.worker_process import Workplace


def test_told_to_stop_it_ends_at_once_with_what_is_finished_reported(
    place: Workplace, silent: str
) -> None:
    with started(place, hanging(place, silent)) as worker:
        until(lambda: finished_first(place))
        children = worker.children(recursive=True)
        start = time.monotonic()

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(SECONDS) == 143
        assert time.monotonic() - start < 5
        assert "stopped by SIGTERM" in worker.stderr.read()
    assert children
    assert not any(alive(child.pid) for child in children)
    assert finished_first(place)


BRIEF = """
from imagejob_worker import process, runner
runner.SPARE = -59.0
raise SystemExit(process.main())
"""


def test_once_its_time_is_over_it_ends_by_itself(place: Workplace, silent: str) -> None:
    order = hanging(place, silent)
    for item in order["items"]:
        item["timeoutSeconds"] = 30
    with started(place, order, [sys.executable, "-c", BRIEF]) as worker:
        until(lambda: finished_first(place))

        assert worker.wait(SECONDS) == 142
        assert "stopped: its time is over" in worker.stderr.read()
    assert finished_first(place)


def test_killed_it_has_reported_what_is_finished(place: Workplace, silent: str) -> None:
    with started(place, hanging(place, silent)) as worker:
        until(lambda: finished_first(place))
        children = worker.children(recursive=True)

        worker.kill()

        until(lambda: not any(alive(child.pid) for child in children))
    assert finished_first(place)


WAITING = """
from threading import Event
from imagejob_worker import process, runner
def wait(request):
    open(request.folder + "/outputs/here", "w").close()
    return lambda decoded: Event().wait()
runner._pipeline = lambda order: wait
raise SystemExit(process.main())
"""


def test_before_anything_is_fetched_the_report_says_so(place: Workplace, silent: str) -> None:
    order = hanging(place, silent)
    order["items"].reverse()
    with started(place, order) as worker:
        until(lambda: reported(place))

        worker.kill()

    assert reported(place) == [None, None]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_ends_a_worker_the_source_that_it_works_on_is_in_its_report(
    place: Workplace, stop: signal.Signals
) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o"}])
    with started(place, worker_process.order([item]), [sys.executable, "-c", WAITING]) as worker:
        until(lambda: list(place.scratch.rglob("here")))

        worker.send_signal(stop)

        worker.wait(SECONDS)
    assert reported(place) == [READ]


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("parallelism", [1, 2])
def test_whenever_it_is_ended_what_was_reported_stays(
    place: Workplace, stop: signal.Signals, parallelism: int
) -> None:
    """It is killed at each moment at which its report says something new."""
    outputs = [{"name": "o", "width": 64, "format": "png"}]
    items = [
        worker_process.item(
            "cat.jpg",
            outputs,
            uid=f"u{number}",
            destination={"store": "box", "prefix": f"{number}"},
        )
        for number in range(3)
    ]
    order = worker_process.order(items, parallelism=parallelism)

    for known in range(4):
        place.report.write_text("")
        with started(place, order) as worker:
            until(lambda known=known: progress(place) >= known)  # type: ignore[misc]
            seen = progress(place)

            worker.send_signal(stop)

            worker.wait(SECONDS)
        assert progress(place) >= seen
        for folder in place.scratch.iterdir():
            shutil.rmtree(folder)


def progress(place: Workplace) -> int:
    """The number of sources read and of items finished; -1 before there is a report."""
    entries = reported(place)
    read = sum(entry is not None for entry in entries)
    return read + sum(isinstance(entry, report.Done) for entry in entries) if entries else -1


@pytest.mark.parametrize(("items", "processes"), [(1, 1), (2, 2)])
def test_told_to_stop_it_ends_the_child_that_is_at_work(
    place: Workplace, items: int, processes: int
) -> None:
    """A single item's child is the worker's own; otherwise there is a fork server in between."""
    item = worker_process.item("cat.jpg", [{"name": "o"}])
    order = worker_process.order([item] * items)
    with started(place, order, [sys.executable, "-c", WAITING]) as worker:
        until(lambda: list(place.scratch.rglob("here")))
        children = worker.children(recursive=True)
        assert len(children) == processes

        worker.send_signal(signal.SIGTERM)

        assert worker.wait(SECONDS) == 143
    until(lambda: not any(alive(child.pid) for child in children))
    assert reported(place) == [READ] + [None] * (items - 1)


BROKEN = """
import os
from imagejob_worker import process, runner
runner._pipeline = lambda order: os._exit(9)
raise SystemExit(process.main())
"""


def test_a_worker_that_cannot_go_on_reports_no_item_for_that(place: Workplace) -> None:
    order = worker_process.order([worker_process.item("cat.jpg", [{"name": "o"}])])
    with started(place, order, [sys.executable, "-c", BROKEN]) as worker:
        assert worker.wait(SECONDS) == 1
        assert "SlotLostError" in worker.stderr.read()
    assert reported(place) == [READ]
