"""What the settings list and the namespace lacks is said: in the log, the metrics, the health."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.config import ProfileSettings, Settings, StoreSettings
from imagejob_gateway.http.health import health
from imagejob_gateway.images import missing
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.metrics import GatewayMetrics
from imagejob_gateway.storage.buckets import Buckets
from imagejob_operator.kube.client import Change
from imagejob_operator.kube.reader import Reader, Unreadable
from imagejob_operator.kube.resources import IMAGE_PROFILES, IMAGE_STORES
from imagejob_operator.observability.metrics import Metrics

if TYPE_CHECKING:
    from imagejob_operator.kube.resources import Kind

NOTHING: Any = None
SETTINGS = Settings(
    "team-a",
    (StoreSettings("uploads", "/a"), StoreSettings("prints", "/b")),
    (ProfileSettings("web"), ProfileSettings("print")),
    (),
)


def hear(cache: NamespaceCache, kind: Kind[Any], name: str, spec: Any) -> None:
    meta = {"name": name, "namespace": "team-a", "uid": name, "resourceVersion": "1"}
    thing = Reader(Metrics()).read(kind, json.dumps({"metadata": meta, "spec": spec}).encode())
    assert not isinstance(thing, Unreadable), thing
    cache.hear(kind, Change("ADDED", 1, thing))


@pytest.fixture
def cache() -> NamespaceCache:
    """A namespace with the first store and profile."""
    found = NamespaceCache(NOTHING)
    hear(found, IMAGE_STORES, "uploads", {"volume": {"claimName": "a"}})
    hear(found, IMAGE_PROFILES, "web", {"outputs": [{"name": "thumb"}]})
    return found


def exported(metrics: GatewayMetrics) -> dict[tuple[str, str], float]:
    return {
        (each.labels["kind"], each.labels["name"]): each.value
        for family in metrics.registry.collect()
        for each in family.samples
        if each.name == "imagejob_gateway_missing_objects"
    }


def test_the_log_names_them_at_the_start_and_the_metrics_as_they_are(
    cache: NamespaceCache, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = GatewayMetrics()

    missing.watch(SETTINGS, cache, metrics)

    lines = [str(vars(each)) for each in caplog.records]
    assert len(lines) == 2
    assert all(name in line for name, line in zip(("prints", "print"), lines, strict=True))
    assert exported(metrics) == {
        ("ImageStore", "uploads"): 0,
        ("ImageStore", "prints"): 1,
        ("ImageProfile", "web"): 0,
        ("ImageProfile", "print"): 1,
    }

    hear(cache, IMAGE_PROFILES, "print", {"outputs": [{"name": "thumb"}]})
    assert exported(metrics)["ImageProfile", "print"] == 0


def test_the_health_names_a_profile_that_is_missing(cache: NamespaceCache) -> None:
    buckets = Buckets((), cache.store, NOTHING)

    found = asyncio.run(health((), buckets, SETTINGS.offered, cache))

    assert found.dependencies == {
        "API server": "",
        "profile web": "",
        "profile print": "The ImageProfile print doesn't exist.",
    }
    assert not found.is_ready
