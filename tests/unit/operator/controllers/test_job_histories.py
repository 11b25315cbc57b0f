"""What the operator remembers of ImageJobs between reconciles."""

from __future__ import annotations

from imagejob_operator.controllers.job_histories import JobHistories
from imagejob_operator.imagejob.inputs import Refusal
from support.api_objects import NOW


def test_only_those_whose_worker_was_refused_go_alone() -> None:
    """A pod that doesn't start says nothing about the next worker."""
    histories = JobHistories()
    histories.refused("uid-a", "exceeded quota: pods", NOW)
    histories.refused("uid-b", "no volume", NOW, about="ij-1-x2k9q")
    histories.missed("uid-c", "ij-2")

    found = histories.refusals(["uid-a", "uid-b", "uid-c", "uid-d"])

    assert found == {"uid-a": Refusal("exceeded quota: pods", NOW)}
