"""The operator's log on standard error: one JSON object a line, or text for people.

Audit lines are not part of it: they go to standard output and record what happened to ImageJobs.
A log call names its object by fields, not in its message:

    log.warning("cannot delete the ImageJob: %s", error, extra=about(job.metadata))
"""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

import msgspec

from imagejob_operator.api.meta import ObjectMeta

log = logging.getLogger(__name__)

Format = Literal["json", "text"]
Value = str | int | float

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

_FIELDS = "imagejob_fields"
"""The record's attribute that holds the fields: `name` itself is the logger's."""

_UNSAMPLED = "imagejob_unsampled"
"""The record's attribute that has the Sampler pass it."""

MOST_ALIKE = 15
"""Lines of one message a minute; those beyond it are counted."""

MINUTE = 60.0

_PLAIN = re.compile(r"[^\s\"=]+")


def fields(**values: Value) -> dict[str, dict[str, Value]]:
    """Build the `extra=` of a log call. Empty strings are left out."""
    return {_FIELDS: {key: value for key, value in values.items() if value != ""}}


def about(meta: ObjectMeta, **more: Value) -> dict[str, dict[str, Value]]:
    """Build the `extra=` of a log call about an object: its namespace, name and UID."""
    return fields(namespace=meta.namespace, name=meta.name, uid=meta.uid, **more)


def unsampled(extra: dict[str, Any]) -> dict[str, Any]:
    """Extend the `extra=` of a line that must not be left out, as no other names its object."""
    return {**extra, _UNSAMPLED: True}


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object: `time` is UTC in RFC 3339, `error` a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return JSON without a newline in it."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, Value] = {
            **_fields_of(record),
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class TextFormatter(logging.Formatter):
    """Formats a record for people: the message, then its fields as `key=value`."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 (logging's name)
        """Return the line, without the traceback that may follow it."""
        given = (f" {key}={_quoted(value)}" for key, value in _fields_of(record).items())
        return super().formatMessage(record) + "".join(given)


class Sampler(logging.Filter):
    """Passes at most MOST_ALIKE lines of one message a minute, as zap's sampler does.

    Messages are alike if they differ only in their arguments. The first line of the next minute
    says how many were left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._counts: dict[tuple[str, str], int] = {}
        self._before: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to log the record."""
        if getattr(record, _UNSAMPLED, False):
            return True
        if self._clock() >= self._began + MINUTE:
            self._began = self._clock()
            self._before, self._counts = self._counts, {}
        alike = (record.name, str(record.msg))
        self._counts[alike] = count = self._counts.get(alike, 0) + 1
        if count > MOST_ALIKE:
            return False
        if (left_out := self._before.pop(alike, 0) - MOST_ALIKE) > 0:
            extra = {**_fields_of(record), "similar_lines_left_out": left_out}
            setattr(record, _FIELDS, extra)
        return True


def set_up(level: str, form: Format) -> None:
    """Configure logging for the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter(TEXT))
    handler.addFilter(Sampler())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    sys.excepthook = _log_uncaught


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    log.critical("exiting after an uncaught exception: %s", error, exc_info=(kind, error, trace))


def _fields_of(record: logging.LogRecord) -> dict[str, Value]:
    found: dict[str, Value] = getattr(record, _FIELDS, {})
    return found


def _quoted(value: Value) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()
