"""The table of docs/lifecycle.md of how a worker's pod may end, and the status of each row."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from support.tenant import Body

PAGE = ROOT / "docs" / "lifecycle.md"
ROW = re.compile(r"^\| [^|`]+ \| `(\{.*\})` \| `(\w+)` \| (\d)[^|]* \| (.*) \|$", re.MULTILINE)
LONG_AGO = "1970-01-01T00:00:00Z"
"""When a container started, in the kubelet's words, if its runtime could not start it."""


class End(NamedTuple):
    """One row: what is written, and the reason, cost and words that follow."""

    written: dict[str, Any]
    reason: str
    attempts: int
    words: str

    def __str__(self) -> str:
        told = {key: value for key, value in self.written.items() if key not in ("message", "ran")}
        names = {key: _short(value) for key, value in told.items()}
        return ", ".join(f"{key} {value}" for key, value in names.items()) + " ran" * self.has_run

    @property
    def has_run(self) -> bool:
        """Whether the worker was seen to run before."""
        return "ran" in self.written


def _short(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return value.get("waiting") or value.get("reason") or value


def table() -> list[End]:
    """All rows."""
    rows = ROW.findall(PAGE.read_text())
    return [
        End(yaml.safe_load(written), reason, int(cost), words)
        for written, reason, cost, words in rows
    ]


def statuses(end: End, now: str, an_hour_ago: str) -> Iterator[Body]:
    """The statuses that the kubelet writes one after another; `conditions` are further ones."""
    running = {"running": {"startedAt": now}}
    if end.has_run:
        yield _status("Running", worker=running)
    if end.written.get("silent"):
        yield _status("Running", worker={"running": {"startedAt": an_hour_ago}})
    last = _last(end.written, now)
    if last:
        yield last


def _last(written: dict[str, Any], now: str) -> Body | None:
    """The status at the end; None if it is not by its status that something is known."""
    if "rejected" in written:
        message = f"Pod was rejected: {written['message']}"
        return _status("Failed", reason=written["rejected"], message=message)
    if "event" in written or "nodeEvent" in written:
        return _status("Pending", worker=_waiting("ContainerCreating"), sandbox=False)
    if "silent" in written or "job" in written:
        return None
    states = {name: _state(written[name], now) for name in KINDS if name in written}
    has_failed = any("terminated" in state for state in states.values())
    is_over = has_failed or "reason" in written or "disruption" in written
    if "init" in written:
        states["worker"] = _waiting("PodInitializing")
    elif "worker" not in written:
        is_at_work = written.get("ran") or "sidecar" in written
        states["worker"] = (
            {"running": {"startedAt": now}}
            if is_at_work and "sidecar" not in written
            else _waiting("ContainerCreating")
        )
    said = {key: written[key] for key in ("reason", "message", "disruption") if key in written}
    return _status("Failed" if is_over else "Pending", **states, **said)


KINDS = ("init", "worker", "sidecar")


def _state(said: dict[str, Any], now: str) -> Body:
    if "waiting" in said:
        return _waiting(said["waiting"], said["message"])
    reason = said["reason"]
    times = {"startedAt": now, "finishedAt": now}
    if reason == "ContainerStatusUnknown":
        times = {}
    if reason in ("StartError", "ContainerCannotRun"):
        times = {"startedAt": LONG_AGO, "finishedAt": now}
    return {"terminated": {**said, **times}}


def _waiting(reason: str, message: str = "") -> Body:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _status(
    phase: str,
    *,
    init: Body | None = None,
    worker: Body | None = None,
    sidecar: Body | None = None,
    reason: str | None = None,
    message: str | None = None,
    disruption: str | None = None,
    sandbox: bool | None = None,
) -> Body:
    conditions = []
    if disruption:
        conditions.append({"type": "DisruptionTarget", "status": "True", "reason": disruption})
    if sandbox is not None:
        conditions.append({"type": "PodReadyToStartContainers", "status": str(sandbox)})
    named = {"worker": worker, "proxy": sidecar}
    return {
        "phase": phase,
        "reason": reason,
        "message": message,
        "conditions": conditions,
        "initContainerStatuses": [_container("mesh", init)] if init else None,
        "containerStatuses": [_container(name, state) for name, state in named.items() if state]
        or None,
    }


def _container(name: str, state: Body) -> Body:
    facts = {"image": "any", "imageID": "", "ready": "running" in state, "restartCount": 0}
    return {"name": name, "state": state, **facts}
