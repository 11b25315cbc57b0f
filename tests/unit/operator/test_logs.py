"""The operator's log: a line a record, whatever is in it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

from imagejob_operator.observability.logging import JsonFormatter


def record(message: str, *arguments: object, error: bool = False) -> logging.LogRecord:
    """As a logger makes it; with the exception that is being handled, if `error`."""
    found = sys.exc_info() if error else None
    return logging.LogRecord("imagejob_operator", 30, "a.py", 1, message, arguments, found)


def test_a_record_is_one_line_with_its_time_and_level() -> None:
    made = record("can't list, will try again: %s", "503: it\nstarts")
    made.created = 1795341600.25
    line = JsonFormatter().format(made)

    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2026-11-22T10:00:00.250Z",
        "level": "warning",
        "logger": "imagejob_operator",
        "message": "can't list, will try again: 503: it\nstarts",
    }


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
