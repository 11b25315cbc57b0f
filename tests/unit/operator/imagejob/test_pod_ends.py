"""How a pod may end: each row of the table in docs/lifecycle.md, as the operator decides it.

tests/cluster/behaviour/test_pod_ends.py walks the same table on a real API server.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_operator.api.reasons import FINAL, Reason
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.imagejob.evaluate import evaluate
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.inputs import JobState, Refusal
from support.api_objects import ADMITTED, NOW, PLATFORM, image_job, pod, store, worker_job
from support.pod_ends import End, statuses, table

if TYPE_CHECKING:
    from imagejob_operator.api.imagejob import ImageJob

CAT, DOG = image_job(), image_job("dog")
LATER = NOW + timedelta(seconds=20)
ENDS = table()


def decided(end: End, *jobs: ImageJob) -> JobState:
    """What the operator decides of the first of the worker's ImageJobs."""
    cache = ClusterCache()
    suspends = "job" in end.written
    worker = worker_job(*jobs)
    if suspends:
        fields = [{"manager": "kueue", "fieldsV1": {"f:spec": {"f:suspend": {}}}}]
        made = worker_job(*jobs, managedFields=fields)
        worker = msgspec.structs.replace(
            made, spec=msgspec.structs.replace(made.spec, suspend=True)
        )
    for thing in (store(), *jobs, worker, pod(by=worker, phase="Pending", deadline=180)):
        cache.upsert(thing)
    for number, status in enumerate(statuses(end, stamp(0), stamp(3600))):
        said = {key: value for key, value in status.items() if value is not None}
        cache.upsert(pod(by=worker, version=30 + number, deadline=180, **said))
    if "silent" in end.written:  # the reconciler gives up those that are silent for too long
        (known,) = cache.pods
        assert known.silent_from is not None
        assert known.silent_from < LATER
        cache.worker_index.give_up(known)
    inputs = gather(cache, "uid-cat")
    assert inputs is not None
    told: dict[str, Any] = {"quota": ADMITTED}
    words = end.written.get("event") or end.written.get("nodeEvent")
    if words:
        told["refusal"] = Refusal(words, LATER, "ij-1-x2k9q")
    return evaluate(msgspec.structs.replace(inputs, **told), PLATFORM, LATER)


def stamp(seconds_ago: int) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


def test_the_table_is_read_as_a_whole() -> None:
    assert len(ENDS) > 70
    assert {"WorkerRefused", "Evicted", "WorkerLost", "OutOfScratch"} <= {
        end.reason for end in ENDS
    }


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_an_end_has_the_reason_the_cost_and_the_words_of_its_row(end: End) -> None:
    state = decided(end, CAT)

    assert end.words in state.message
    assert (state.reason, state.failure.attempt if state.failure else 0) == (
        end.reason,
        end.attempts,
    )
    assert (state.phase == "Failed") == (Reason(end.reason) in FINAL)


PAID = [end for end in ENDS if end.attempts]


@pytest.mark.parametrize("end", [end for end in PAID if end.reason == "OutOfScratch"], ids=str)
def test_whose_neighbours_filled_the_scratch_volume_goes_again_alone(end: End) -> None:
    state = decided(end, CAT, DOG)

    assert (state.phase, state.reason) == ("Queued", Reason.OUT_OF_SCRATCH)
    assert state.failure is not None
    assert state.failure.attempt == 0


@pytest.mark.parametrize("end", [end for end in ENDS if not end.attempts], ids=str)
def test_what_costs_one_nothing_costs_neighbours_nothing(end: End) -> None:
    state = decided(end, CAT, DOG)

    assert (state.reason, state.failure) == (end.reason, None)
