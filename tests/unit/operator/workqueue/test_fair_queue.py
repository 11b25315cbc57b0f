"""Namespaces take turns, and nothing remains of one that has left."""

from __future__ import annotations

import math

from imagejob_operator.workqueue.fair_queue import FairQueue


def test_a_namespace_is_forgotten_with_its_last() -> None:
    queue = FairQueue()
    queue.put("a", "team", now=1)
    queue.drop("a")
    queue.drop("a")

    assert len(queue) == 0
    assert not queue._lines


def test_namespaces_take_turns() -> None:
    queue = FairQueue()
    for subject, namespace in (("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b")):
        queue.put(subject, namespace, now=1)

    assert [queue.take() for _ in range(4)] == ["a1", "b1", "a2", "a3"]


def test_one_that_is_put_again_has_waited_since_the_first_time() -> None:
    queue = FairQueue()
    queue.put("a", "team", now=1)
    queue.put("b", "team", now=2)
    queue.put("a", "team", now=3)

    assert queue.oldest == 1
    assert queue.take() == "a"


def test_who_was_taken_has_waited() -> None:
    queue = FairQueue()
    queue.put("a", "team", now=1)
    queue.put("b", "team", now=2)
    queue.take()

    assert queue.oldest == 2
    assert "a" not in queue


def test_without_waiting_keys_there_is_no_oldest() -> None:
    queue = FairQueue()
    queue.put("a", "team", now=1)
    queue.take()

    assert queue.oldest == math.inf
