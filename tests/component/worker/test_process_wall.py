"""What a worker says of its wall where the node has only a part of it."""

from __future__ import annotations

import pytest
from support import worker_process
from support.worker_process import Workplace

LACKING = """
from imagejob_worker import process, runner
from imagejob_worker.sandbox.wall import Wall
runner.Wall = lambda mode: Wall(mode, ("Landlock",))
raise SystemExit(process.main())
"""


@pytest.mark.parametrize("items", [1, 2])
def test_on_a_node_without_landlock_the_log_and_the_report_say_so(
    place: Workplace, items: int
) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o", "width": 8}])
    others = {"destination": {"store": "box", "prefix": "other"}}

    run = place.run(worker_process.order([item, item | others][:items]), ["-c", LACKING])

    assert [end and (end.reason, end.notes) for end in run.ended] == [("Succeeded", 4)] * items
    assert run.log.startswith("this node has no Landlock: images are decoded with one protection")


def test_where_the_whole_wall_is_required_nothing_is_fetched_without_it(place: Workplace) -> None:
    order = worker_process.order(
        [worker_process.item("no-such-object", [{"name": "o"}])], sandbox="require"
    )

    (end,) = place.run(order, ["-c", LACKING]).ended

    assert end
    assert (end.reason, end.source) == ("Internal", ())
    assert end.message == "this node has no Landlock, which worker.sandbox: require asks for"


def test_with_the_whole_wall_the_log_says_nothing_of_it(place: Workplace) -> None:
    item = worker_process.item("cat.jpg", [{"name": "o", "width": 8}])

    run = place.run(worker_process.order([item], sandbox="require"))

    assert [end and (end.reason, end.notes) for end in run.ended] == [("Succeeded", 0)]
    assert "this node" not in run.log
