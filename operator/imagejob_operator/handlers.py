"""kopf's part: watch, and hand what comes to the engine. Nothing is decided here.

Only `on.event` handlers: `on.create` and its like write annotations onto the objects that they
watch.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import kopf
import msgspec

from .domain.manifests import WORKER_SELECTOR
from .domain.model import GROUP, VERSION, ImageJob, ImageProfile
from .domain.quota_model import ImageQuota
from .domain.store_model import ImageStore
from .domain.subjects import Thing
from .domain.worker import Pod, WorkerJob
from .engine import Engine
from .kinds import (
    IMAGE_JOBS,
    IMAGE_PROFILES,
    IMAGE_QUOTAS,
    IMAGE_STORES,
    PODS,
    UNFINISHED,
    WORKER_JOBS,
    Kind,
)

log = logging.getLogger(__name__)

WATCH_SECONDS = 300
"""How long a watch is let run before it is begun anew, where it ended."""

T = TypeVar("T", ImageJob, ImageProfile, ImageStore, ImageQuota, WorkerJob, Pod)


def registry() -> kopf.OperatorRegistry:
    """The handlers of the operator. Their memo is the Engine."""
    handlers = kopf.OperatorRegistry()
    kopf.on.login(registry=handlers)(login)
    kopf.on.event(GROUP, VERSION, "imagejobs", registry=handlers)(_feeding(IMAGE_JOBS))
    kopf.on.event(GROUP, VERSION, "imageprofiles", registry=handlers)(_feeding(IMAGE_PROFILES))
    kopf.on.event(GROUP, VERSION, "imagestores", registry=handlers)(_feeding(IMAGE_STORES))
    kopf.on.event(GROUP, VERSION, "imagequotas", registry=handlers)(_feeding(IMAGE_QUOTAS))
    kopf.on.event("batch", "v1", "jobs", registry=handlers)(_feeding(WORKER_JOBS))
    kopf.on.event("", "v1", "pods", registry=handlers)(_feeding(PODS))
    return handlers


def login(**context: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 (kopf's, passed on)
    """The same server and credentials as cluster.connect: those of the pod, else of KUBECONFIG."""
    account = kopf.login_with_service_account(**context)
    if account is None:
        return kopf.login_with_kubeconfig(**context)
    return dataclasses.replace(account, server=own_cluster(os.environ) or account.server)


def own_cluster(environment: Mapping[str, str]) -> str:
    """The API server of the cluster that we run in, by its address as the kubelet tells it.

    kopf would take its name, and see nothing for as long as DNS doesn't answer. "" if not told.
    """
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    port = environment.get("KUBERNETES_SERVICE_PORT", "443")
    return f"https://{f'[{host}]' if ':' in host else host}:{port}" if host else ""


def settings() -> kopf.OperatorSettings:
    """kopf as a feeder: it watches what is unfinished and ours, and writes nothing."""
    configured = kopf.OperatorSettings()
    configured.posting.enabled = False
    configured.posting.loggers = False
    configured.persistence.diffbase_storage = NoDiffs()
    configured.persistence.progress_storage = NoProgress()
    # A connection that has died without a word would else be waited on for ever.
    configured.watching.server_timeout = WATCH_SECONDS
    configured.watching.client_timeout = WATCH_SECONDS + 30
    configured.watching.field_selectors[GROUP, "imagejobs"] = UNFINISHED
    configured.watching.label_selectors["batch", "jobs"] = WORKER_SELECTOR
    configured.watching.label_selectors["v1", "pods"] = WORKER_SELECTOR
    return configured


class NoDiffs(kopf.DiffBaseStorage):
    """Nobody asks what has changed in an object: kopf is not to copy each to find out."""

    def build(self, **_: object) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        return None


class NoProgress(kopf.ProgressStorage):
    """No handler has any: each is done when it returns."""

    def fetch(self, **_: object) -> None:
        return None

    def store(self, **_: object) -> None:
        return None

    def purge(self, **_: object) -> None:
        return None

    def touch(self, **_: object) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def _feeding(kind: Kind[T]) -> Callable[..., Any]:
    async def feed(event: dict[str, Any], memo: Engine, **_: object) -> None:
        memo.metrics.watched(kind.plural, event["type"])
        thing = _parse(kind.type, event["object"])
        if thing is None:
            return
        if event["type"] == "DELETED":
            memo.lose(thing)
        else:
            memo.see(thing)

    feed.__name__ = f"feed_{kind.plural}"
    return feed


def _parse(kind: type[T], body: Mapping[str, object]) -> Thing | None:
    """None for an object that is none of ours, such as a foreign Job under our label."""
    try:
        return msgspec.convert(dict(body), kind)
    except msgspec.ValidationError as error:
        log.warning("ignoring a %s: %s", kind.__name__, error)
        return None
