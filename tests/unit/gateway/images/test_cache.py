"""The namespace in memory, through a list, a watch, and our own writes."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.images.kinds import LISTED, OWNER_LABEL, WATCHED, ListedImage
from imagejob_operator.kube import client as api
from imagejob_operator.kube.client import Change
from imagejob_operator.kube.reader import Reader, Unreadable
from imagejob_operator.kube.resources import IMAGE_QUOTAS
from imagejob_operator.observability.metrics import Metrics
from support.scripted_api import ScriptedApi, serving

if TYPE_CHECKING:
    from pathlib import Path

READER = Reader(Metrics())


def body(name: str, version: int, owner: str = "", **status: Any) -> dict[str, Any]:
    """An ImageJob as the API server has it."""
    meta = {"name": name, "namespace": "team-a", "uid": f"uid-{name}"}
    labels = {OWNER_LABEL: owner} if owner else {}
    spec = {"source": {"storeRef": {"name": "uploads"}, "key": "k", "sha256": "ab"}}
    return {
        "metadata": {**meta, "resourceVersion": str(version), "labels": labels},
        "spec": spec,
        "status": status,
    }


def image(*args: Any, **status: Any) -> ListedImage:
    found = READER.read(LISTED, json.dumps(body(*args, **status)).encode())
    assert not isinstance(found, Unreadable), found
    return found


def hear(cache: NamespaceCache, kind: str, thing: ListedImage) -> None:
    cache.hear(LISTED, Change(kind, thing.metadata.resource_version, thing))


def cached(cache: NamespaceCache, owner: str | None = None) -> dict[str, str]:
    return {each.metadata.name: each.phase for each in cache.images(owner)}


def test_of_an_image_a_tenth_is_kept() -> None:
    conditions = [
        {"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": at}
        for kind, at in (("Admitted", "2026-11-22T10:00:00Z"), ("Ready", "2026-11-22T10:00:01Z"))
    ]

    found = image("a", 1, "alice", phase="Succeeded", conditions=conditions)

    assert (found.owner, found.phase, found.reason) == ("alice", "Succeeded", "Ready")
    assert len(found.status.conditions) == 1
    assert image("b", 1).phase == "Pending"
    assert image("b", 1).reason == ""


def test_our_own_write_is_there_at_once_and_what_is_older_changes_nothing() -> None:
    cache = NamespaceCache(None)  # nothing is listed
    cache.put(image("a", 5, "alice"))

    hear(cache, "ADDED", image("a", 5, "alice"))
    hear(cache, "MODIFIED", image("a", 7, "alice", phase="Running"))
    cache.put(image("a", 5, "alice"))
    hear(cache, "ADDED", image("b", 8, "bob"))

    assert cached(cache) == {"a": "Running", "b": "Pending"}
    assert cached(cache, "alice") == {"a": "Running"}
    hear(cache, "DELETED", image("a", 9, "alice"))
    assert cached(cache, "alice") == {}


def test_an_image_that_can_t_be_read_any_more_is_not_there() -> None:
    cache = NamespaceCache(None)  # nothing is listed
    cache.put(image("a", 5))

    bad = Unreadable("imagejobs", "ImageJob", "team-a", "a", "uid-a", 6)
    cache.hear(LISTED, Change("MODIFIED", "6", bad))

    assert cached(cache) == {}


def test_a_list_replaces_what_is_older_and_no_more(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"

    async def run() -> tuple[int, dict[str, str]]:
        script = ScriptedApi([(10, [body("a", 3), body("b", 4)])], [])
        async with (
            serving(script, kubeconfig),
            api.connect(environment={"KUBECONFIG": str(kubeconfig)}) as cluster,
        ):
            cache = NamespaceCache(cluster)
            cache.put(image("gone", 2))
            cache.put(image("new", 11))
            return await cache.take(LISTED, "team-a"), cached(cache)

    version, found = asyncio.run(run())

    assert version == 10
    assert found.keys() == {"a", "b", "new"}


def test_each_kind_is_watched_once() -> None:
    plurals = [kind.plural for kind in WATCHED]

    assert len(set(plurals)) == len(plurals)
    assert IMAGE_QUOTAS in WATCHED
