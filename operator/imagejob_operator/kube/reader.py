"""Reads one object at a time, so that one that can't be read stops only itself."""

from __future__ import annotations

import logging
from typing import TypeVar

import msgspec

from imagejob_operator.api.imagejob import FINISHED, ImageJob
from imagejob_operator.observability.logging import Value, fields, unsampled
from imagejob_operator.observability.metrics import Metrics

from . import shallow
from .object_store import HasMetadata, version
from .resources import Kind
from .usable import check_usable, version_number

log = logging.getLogger(__name__)

T = TypeVar("T", bound=HasMetadata)

MAX_WHY = 300
"""Characters of an error: it may quote what the author of an object wrote."""

MAX_REPORTED = 10_000
"""Objects of which is remembered that they were logged."""


class Unreadable(msgspec.Struct, frozen=True):
    """An object that can't be read, and why; its metadata as far as that can be read.

    `resource` is its kind's plural; `version` is 0 if it is unknown. `is_refused` if it was read,
    and can't be used nevertheless. `is_finished` of an ImageJob by its phase, which never changes
    again: nothing else of it matters then.
    """

    resource: str
    kind: str
    namespace: str = ""
    name: str = ""
    uid: str = ""
    version: int = 0
    why: str = ""
    is_refused: bool = False
    is_finished: bool = False

    def is_refusal_of(self, version: int) -> bool:
        """Whether that version was read, and refused: to read it again makes no difference."""
        return self.is_refused and self.version == version

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}" can\'t be read by this operator: {self.why}'


class Reader:
    """Decodes objects of the API server; logs and counts those that it can't.

    Each version is logged once, however often it is listed.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reported: dict[tuple[str, str, str], Unreadable] = {}

    def read(self, kind: Kind[T], raw: bytes | msgspec.Raw) -> T | Unreadable:
        """Decode one object, and check that it can be used."""
        try:
            thing = msgspec.json.decode(raw, type=kind.type)
            check_usable(thing)
        except Exception as error:  # noqa: BLE001 (whatever its author wrote, others must be read)
            return self._refuse(identify(kind, bytes(raw)), error)
        if self._reported:
            self._note_readable(kind, thing)
        return thing

    def refuse(self, kind: Kind[T], thing: T, error: Exception) -> Unreadable:
        """Report an object that was decoded, and can't be used nevertheless."""
        meta = thing.metadata
        found = Unreadable(
            *(kind.plural, kind.type.__name__),
            *(meta.namespace, meta.name, meta.uid),
            version=version(thing),
            is_refused=True,
        )
        return self._refuse(found, error)

    def _refuse(self, found: Unreadable, error: Exception) -> Unreadable:
        why = f"{error}"[:MAX_WHY] or type(error).__name__
        found = msgspec.structs.replace(found, why=why)
        self._metrics.unreadable(found.resource)
        key = (found.resource, found.namespace, found.name)
        if self._reported.get(key) != found:
            if len(self._reported) >= MAX_REPORTED:
                self._reported.clear()
            self._reported[key] = found
            extra = unsampled(_about(found))
            log.warning("cannot read an object, which waits: %s", why, extra=extra)
        return found

    def _note_readable(self, kind: Kind[T], thing: T) -> None:
        key = (kind.plural, thing.metadata.namespace, thing.metadata.name)
        reported = self._reported.get(key)
        if reported and not reported.is_refusal_of(version(thing)):
            del self._reported[key]
            meta = thing.metadata
            found = Unreadable(*key[:1], kind.type.__name__, *key[1:], uid=meta.uid)
            log.info("the object can be read again", extra=_about(found))


def identify(kind: Kind[T], raw: bytes) -> Unreadable:
    """Return what names an object, whatever else it contains."""
    parts = shallow.members(raw)
    meta = shallow.members(parts.get("metadata", b""))
    phase = shallow.text_of(shallow.members(parts.get("status", b"")).get("phase"))
    return Unreadable(
        kind.plural,
        kind.type.__name__,
        namespace=shallow.text_of(meta.get("namespace")),
        name=shallow.text_of(meta.get("name")),
        uid=shallow.text_of(meta.get("uid")),
        version=version_number(shallow.text_of(meta.get("resourceVersion"))) or 0,
        is_finished=kind.type is ImageJob and phase in FINISHED,
    )


def _about(found: Unreadable) -> dict[str, dict[str, Value]]:
    return fields(kind=found.kind, namespace=found.namespace, name=found.name, uid=found.uid)
