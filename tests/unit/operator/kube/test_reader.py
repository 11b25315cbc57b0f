"""What can't be used is found out where it is read, and told once."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.cache.cluster_cache import KINDS
from imagejob_operator.kube.reader import MAX_WHY, Reader, Unreadable
from imagejob_operator.observability.metrics import Metrics
from support.bad_objects import MISSING, RICH, Change
from support.memory_api import DEEP, dump

if TYPE_CHECKING:
    from imagejob_operator.kube.resources import Kind

BY_PLURAL: dict[str, Kind[Any]] = {kind.plural: kind for kind in KINDS}


def read(change: Change, reader: Reader | None = None) -> Any:
    """What is made of the object with that change."""
    reader = reader or Reader(Metrics())
    return reader.read(BY_PLURAL[change.plural], dump(change.made("team-a")))


@pytest.mark.parametrize("plural", RICH)
def test_an_object_with_all_its_fields_is_read(plural: str) -> None:
    thing = Reader(Metrics()).read(BY_PLURAL[plural], dump(RICH[plural]("team-a")))

    assert not isinstance(thing, Unreadable)
    assert thing.metadata.namespace == "team-a"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            Change("imagejobs", ("spec", "outputs", 0, "fit"), "circle"),
            "Invalid enum value 'circle'",
        ),
        (Change("imagejobs", ("spec", "outputs", 0, "fit"), DEEP), ""),
        (Change("imagejobs", ("spec", "newer"), DEEP), "recursion"),
        (Change("imagejobs", ("metadata", "uid"), MISSING), "metadata.uid is missing"),
        (Change("imagejobs", ("metadata", "resourceVersion"), "newer"), "resourceVersion"),
        (Change("imagejobs", ("metadata", "creationTimestamp"), "9999-12-31T23:59:59Z"), "range"),
        (Change("imagejobs", ("status", "audit", 0, "time"), "2026-11-22T10:00:00"), "zone"),
        (Change("imagejobs", ("status", "attempts"), 2**64), "out of range"),
        (Change("imagejobs", ("status", "lastFailure", "reason"), "WorkerEaten"), "WorkerEaten"),
        (Change("imagejobs", ("spec", "limits", "maxBytes"), "12 apples"), "12 apples"),
        (Change("imageprofiles", ("spec", "outputs", 0, "maxBytes"), -1), "-1"),
        (Change("imagestores", ("spec", "s3"), MISSING), "neither s3 nor volume"),
        (Change("imagestores", ("spec", "volume"), {"claimName": "c"}), "both s3 and volume"),
        (Change("imagequotas", ("spec", "limits"), []), "empty"),
        (Change("imagequotas", ("spec", "limits", 0, "per"), "8d"), "longer than 7d"),
        (Change("imagequotas", ("spec", "limits", 0, "per"), "1 fortnight"), "not a rate"),
        (Change("pods", ("spec", "activeDeadlineSeconds"), 2**63), "out of range"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_unreadable(change: Change, why: str) -> None:
    found = read(change)

    assert isinstance(found, Unreadable)
    assert why in found.why
    assert len(found.why) <= MAX_WHY
    assert (found.resource, found.namespace, found.name[:7]) == (
        change.plural,
        "team-a",
        RICH[change.plural]("n")["metadata"]["name"][:7],
    )


def test_a_version_is_told_once_and_that_it_can_be_read_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    reader = Reader(Metrics())
    bad = Change("imageprofiles", ("spec", "outputs", 0, "fit"), "circle")
    good = Change("imageprofiles", ("spec", "outputs", 0, "fit"), "fill")

    for change in (bad, bad, good, good):
        read(change, reader)

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
