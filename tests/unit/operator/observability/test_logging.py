"""The operator's log: one line per record, whatever it contains; fields name the object."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

from imagejob_operator.api.meta import ObjectMeta
from imagejob_operator.observability.logging import (
    MINUTE,
    MOST_ALIKE,
    TEXT,
    JsonFormatter,
    Sampler,
    TextFormatter,
    about,
    fields,
    unsampled,
)

POD = ObjectMeta(name="worker-7", namespace="team-a", uid="5b0d")


def record(
    message: str, *arguments: object, error: bool = False, extra: dict[str, Any] | None = None
) -> logging.LogRecord:
    """A record as a logger makes it; with the current exception, if `error`."""
    found = sys.exc_info() if error else None
    log = logging.getLogger("imagejob_operator")
    return log.makeRecord(log.name, 30, "a.py", 1, message, arguments, found, extra=extra)


def test_a_record_is_one_line_with_its_time_and_level() -> None:
    made = record("cannot list, will retry: %s", "503: it\nstarts")
    made.created = 1795341600.25
    line = JsonFormatter().format(made)

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-22T10:00:00.250Z",
        "level": "warning",
        "logger": "imagejob_operator",
        "message": "cannot list, will retry: 503: it\nstarts",
    }


def test_an_object_is_named_by_fields() -> None:
    line = JsonFormatter().format(record("deleting the pod", extra=about(POD, attempt=2)))

    named = {key: json.loads(line)[key] for key in ("namespace", "name", "uid", "attempt")}
    assert named == {"namespace": "team-a", "name": "worker-7", "uid": "5b0d", "attempt": 2}


def test_a_field_replaces_nothing_that_every_line_has() -> None:
    line = JsonFormatter().format(record("deleting the pod", extra=fields(message="forged")))

    assert json.loads(line)["message"] == "deleting the pod"


def test_text_shows_the_fields_after_the_message_quoted_where_they_need_it() -> None:
    named = about(POD, error='it said "no"', rate="")
    line = TextFormatter(TEXT).format(record("deleting the pod", extra=named))

    *_, said = line.partition("imagejob_operator: ")
    assert said == (
        r'deleting the pod namespace=team-a name=worker-7 uid=5b0d error="it said \"no\""'
    )


def test_a_traceback_is_part_of_its_line() -> None:
    try:
        int("oops")
    except ValueError:
        line = JsonFormatter().format(record("ended", error=True))

    assert "\n" not in line
    assert json.loads(line)["error"].endswith("'oops'")


def test_the_last_words_of_a_process_are_a_line_like_any_other() -> None:
    program = (
        "from imagejob_operator.observability.logging import set_up\n"
        "set_up('INFO', 'json')\n"
        "int('oops')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)

    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1
    assert json.loads(line)["level"] == "critical"
    assert "ValueError" in json.loads(line)["error"]


def test_of_alike_lines_some_a_minute_are_shown_and_the_others_counted() -> None:
    now = 0.0
    sampler = Sampler(lambda: now)
    first = [sampler.filter(record("action failed: %s", number)) for number in range(100)]
    other = sampler.filter(record("another message"))
    now = MINUTE
    after = [record("action failed: %s", 0), record("action failed: %s", 1), record("another")]
    shown = [sampler.filter(each) for each in after]
    fields_shown = [json.loads(JsonFormatter().format(each)) for each in after]

    assert sum(first) == MOST_ALIKE
    assert all(
        sampler.filter(record("cannot read: %s", number, extra=unsampled(about(POD))))
        for number in range(100)
    )
    assert other
    assert shown == [True, True, True]
    assert fields_shown[0]["similar_lines_left_out"] == 100 - MOST_ALIKE
    assert "similar_lines_left_out" not in {*fields_shown[1], *fields_shown[2]}
