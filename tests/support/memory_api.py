"""An API server in memory, behind the operator's own client: it takes whatever it is given.

It stands for one with a permissive CRD: no schema is checked, and what a test puts in is given back
as it is, in lists, by watches, and as the answer to a write.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from imagejob_gateway.images.kinds import UPLOAD_LABEL
from imagejob_operator.kube.concurrency_limiter import AdaptiveConcurrencyLimiter
from imagejob_operator.kube.errors import ApiError, ConflictError, NotFoundError
from imagejob_operator.kube.usable import version_number
from imagejob_operator.observability.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

Body = dict[str, Any]
At = tuple[str, str, str]
"""Plural, namespace and name by which an object is reached, whatever its metadata says."""

DEPTH = 3000
DEEP = "@@deep@@"
"""Stands for so many arrays, one in the other: more than Python's stack allows."""

SECONDS, POLL = 120.0, 0.005
ENDED = ("Succeeded", "Failed")


def dump(body: object) -> bytes:
    """As it is sent."""
    nested = "[" * DEPTH + "]" * DEPTH
    return json.dumps(body).replace(f'"{DEEP}"', nested).encode()


class MemoryApi:
    """In place of a Transport. `created` are the bodies that were posted, by plural.

    `start` makes the pod of a new worker Job. `answer` changes what a write is answered with, by
    plural; `writes` has the plurals of all writes. With a `refusal`, every request fails.
    """

    def __init__(
        self,
        start: Callable[[Body], Body] | None = None,
        answer: Callable[[str, Body], Body] = lambda _, body: body,
    ) -> None:
        self._start = start
        self._answer = answer
        self.writes: Counter[str] = Counter()
        self.refusal: ApiError | None = None
        self.metrics = Metrics()
        self.limiter = AdaptiveConcurrencyLimiter()
        self.created: dict[str, list[Body]] = {}
        self._objects: dict[At, Body] = {}
        self._versions: dict[At, str] = {}
        self._events: list[tuple[int, str, str, Body]] = []
        self._version = 100
        self._changed = asyncio.Condition()

    def put(self, plural: str, namespace: str, name: str, body: Body) -> Body:
        """Store an object; where its metadata has a version, with the next one."""
        self._version += 1
        at = (plural, namespace, name)
        kind = "MODIFIED" if at in self._objects else "ADDED"
        meta = body.get("metadata")
        if (
            isinstance(meta, dict)
            and version_number(_text(meta.get("resourceVersion"))) is not None
        ):
            body = {**body, "metadata": {**meta, "resourceVersion": str(self._version)}}
        self._objects[at], self._versions[at] = body, str(self._version)
        self._events.append((self._version, plural, kind, body))
        return body

    def remove(self, plural: str, namespace: str, name: str) -> None:
        """Delete an object."""
        at = (plural, namespace, name)
        self._version += 1
        self._events.append((self._version, plural, "DELETED", self._found(at)))
        del self._objects[at]

    def get(self, plural: str, namespace: str, name: str) -> Body:
        return self._objects.get((plural, namespace, name), {})

    async def tell(self) -> None:
        """Let watches see what was put."""
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[], bool], running: asyncio.Task[Any]) -> None:
        """Wait for what the operator knows or writes; raise what it raises."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                if running.done():
                    running.result()
                await asyncio.sleep(POLL)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        query: list[tuple[str, str]] | None = None,
        seconds: float = SECONDS,  # noqa: ARG002 (a Transport has it)
    ) -> bytes:
        """Answer at once."""
        await asyncio.sleep(0)
        if self.refusal:
            raise self.refusal
        plural, namespace, name, status = _parsed(path)
        at = (plural, namespace, name)
        if method == "GET" and not name:
            return self._list(plural, namespace, dict(query or ()))
        if method == "GET":
            return dump(self._found(at))
        if method == "DELETE":
            self.remove(plural, namespace, name)
            await self.tell()
            return b"{}"
        assert isinstance(body, dict)
        written = self._write(at, body, is_status=status)
        self.writes[plural] += 1
        await self.tell()
        return dump(self._answer(plural, written))

    @asynccontextmanager
    async def watch(
        self,
        path: str,
        query: list[tuple[str, str]],
        seconds: float,  # noqa: ARG002 (likewise)
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Everything that happens to the kind; it never ends. What is finished has left it."""
        plural, *_ = _parsed(path)
        since, unfinished = int(dict(query)["resourceVersion"]), _is_unfinished(dict(query))
        yield self._lines(plural, since, unfinished=unfinished)

    async def _lines(self, plural: str, since: int, *, unfinished: bool) -> AsyncIterator[bytes]:
        seen = 0
        while True:
            events, seen = self._events[seen:], len(self._events)
            for version, kind_of, kind, body in events:
                if kind_of == plural and version > since:
                    has_left = unfinished and _phase(body) in ENDED
                    yield dump({"type": "DELETED" if has_left else kind, "object": body})
            async with self._changed:
                await self._changed.wait_for(lambda: len(self._events) > seen)  # noqa: B023

    def _list(self, plural: str, namespace: str, query: dict[str, str]) -> bytes:
        upload = query.get("labelSelector", "").removeprefix(f"{UPLOAD_LABEL}=")
        unfinished = _is_unfinished(query)
        name = query.get("fieldSelector", "").removeprefix("metadata.name=")
        items = [
            body
            for (kind, of, named), body in self._objects.items()
            if kind == plural and namespace in ("", of)
            if not (unfinished and _phase(body) in ENDED)
            if upload == query.get("labelSelector", "")
            or body["metadata"]["labels"][UPLOAD_LABEL] == upload
            if name == query.get("fieldSelector", "") or named == name
        ]
        return dump({"metadata": {"resourceVersion": str(self._version)}, "items": items})

    def _found(self, at: At) -> Body:
        if at not in self._objects:
            raise NotFoundError(404, "not found")
        return self._objects[at]

    def _write(self, at: At, body: Body, *, is_status: bool) -> Body:
        plural, namespace, name = at
        meta = body["metadata"]
        if not name:
            name = meta.get("name") or f"generated-{self._version}"
            if (plural, namespace, name) in self._objects:
                raise ConflictError(409, "it exists")
            self.created.setdefault(plural, []).append(body)
            made = {"uid": f"uid-{plural}-{name}", "creationTimestamp": "2026-11-22T10:00:00Z"}
            meta = {**meta, "name": name, "namespace": namespace, "resourceVersion": "0", **made}
            stored = self.put(plural, namespace, name, {**body, "metadata": meta})
            if plural == "jobs" and self._start:
                pod = self._start(stored)
                self.put("pods", namespace, pod["metadata"]["name"], pod)
            return stored
        known = self._found(at)
        if self._versions[at] != meta["resourceVersion"]:
            raise ConflictError(409, "it has changed")
        made = {"status": body["status"]} if is_status else {"data": body["data"]}
        return self.put(*at, {**known, **made})


def _is_unfinished(query: dict[str, str]) -> bool:
    """Whether it asks for unfinished ImageJobs only."""
    return "status.phase!=Succeeded" in query.get("fieldSelector", "")


def _parsed(path: str) -> tuple[str, str, str, bool]:
    """Plural, namespace, name, and whether it is the status."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    plural, *rest = parts
    return plural, namespace, rest[0] if rest else "", rest[1:] == ["status"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _phase(body: Body) -> object:
    status = body.get("status")
    return status.get("phase") if isinstance(status, dict) else None
