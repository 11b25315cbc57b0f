"""Whatever tenants write into an object, the operator keeps only what it needs."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagequota import ImageQuota
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.api.meta import MAX_ANNOTATION, Labels
from imagejob_operator.cache.lister import WATCHED
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import WorkerJob
from support.api_objects import metadata

if TYPE_CHECKING:
    from imagejob_operator.kube.resources import Kind

HOSTILE = 250 * 1024
KEPT = 16 * 1024
"""Bytes of memory. It takes some two KiB."""

SPECS: dict[type, dict[str, Any]] = {
    ImageJob: {"source": {"storeRef": {"name": "s"}, "key": "k"}},
    ImageProfile: {"outputs": [{"name": "o"}]},
    ImageStore: {"volume": {"claimName": "c"}},
    ImageQuota: {"limits": [{"jobs": 1, "per": "1h"}]},
    WorkerJob: {"template": {"spec": {"containers": []}}},
    Pod: {},
}

LONG = "x" * HOSTILE
MANY = {f"example.com/key-{number}": "x" * 60 for number in range(HOSTILE // 100)}
FIELDS = [{"manager": f"m{number}", "fieldsV1": {"f:metadata": MANY}} for number in range(3)]
PLACES: dict[str, dict[str, Any]] = {
    "an annotation": {"annotations": {"example.com/note": LONG}},
    "an annotation that is used": {"annotations": {"imagejob.dev/requested-by": LONG}},
    "labels": {"labels": MANY},
    "managedFields": {"managedFields": FIELDS},
    "finalizers": {"finalizers": list(MANY)},
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", WATCHED, ids=lambda kind: str(kind.plural))
def test_of_metadata_hardly_anything_is_kept(kind: Kind[Any], place: str) -> None:
    body = {"metadata": {**metadata("n", "u", 1), **PLACES[place]}, "spec": SPECS[kind.type]}

    assert _kept(kind, body) < KEPT


@pytest.mark.parametrize("kind", WATCHED, ids=lambda kind: str(kind.plural))
def test_of_unknown_fields_nothing_is_kept(kind: Kind[Any]) -> None:
    spec = {**SPECS[kind.type], "unheardOf": MANY}

    assert _kept(kind, {"metadata": metadata("n", "u", 1), "spec": spec, "more": MANY}) < KEPT


def test_a_requester_is_known_if_the_annotation_is_trusted() -> None:
    meta = {**metadata("n", "u", 1), "annotations": {"imagejob.dev/requested-by": LONG}}
    body = {"metadata": meta, "spec": SPECS[ImageJob]}

    job = _read(ImageJob, json.dumps(body).encode())

    assert job.metadata.annotations.get("imagejob.dev/requested-by") == "x" * MAX_ANNOTATION


def test_a_label_that_is_not_kept_cannot_be_asked_for() -> None:
    with pytest.raises(KeyError):
        Labels().get("app.kubernetes.io/name")


def _kept(kind: Kind[Any], body: dict[str, Any]) -> int:
    """Bytes of memory."""
    raw = json.dumps(body).encode()
    assert len(raw) > HOSTILE / 5
    _read(kind.type, raw)  # this creates the decoder, which is kept
    tracemalloc.start()
    try:
        thing = _read(kind.type, raw)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert thing.metadata.name == "n"
    return kept


def _read(kind: type, raw: bytes) -> Any:
    return msgspec.json.decode(raw, type=kind)
