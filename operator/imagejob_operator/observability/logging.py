"""The operator's log on standard error: one JSON object a line for collectors, text for people.

Audit lines are no part of it: they go to standard output, and say what happened to ImageJobs.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal

import msgspec

log = logging.getLogger(__name__)

Format = Literal["json", "text"]

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class Line(msgspec.Struct, omit_defaults=True):
    """`time` is UTC in RFC 3339, `error` a traceback."""

    time: str
    level: str
    logger: str
    message: str
    error: str = ""


class JsonFormatter(logging.Formatter):
    """A record as one line, whatever is in its message."""

    def format(self, record: logging.LogRecord) -> str:
        """JSON without a newline in it."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = Line(
            time=at.replace("+00:00", "Z"),
            level=record.levelname.lower(),
            logger=record.name,
            message=record.getMessage(),
            error=self.formatException(record.exc_info) if record.exc_info else "",
        )
        return msgspec.json.encode(line).decode()


def set_up(level: str, form: Format) -> None:
    """For the whole process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)
    sys.excepthook = _ending


def _ending(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The last words of the process are a line like any other."""
    message = "ending for an error that nobody foresaw: %s"
    log.critical(message, error, exc_info=(kind, error, trace))
