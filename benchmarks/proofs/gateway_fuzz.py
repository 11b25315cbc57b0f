"""schemathesis against a gateway that runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from support import gateway as gateways

from proofs.gateway import team_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from support.gateway import Gateway

HERE = Path(__file__).resolve().parent
MAX_BYTES = 64 * 1024
HOUR = 3600
UNBOUNDED = "1000000/1h"


class Found(NamedTuple):
    """What came of a run: cases by operation and by status, and what failed."""

    by_operation: dict[str, int]
    by_status: dict[str, int]
    failures: list[str]
    seconds: float

    @property
    def cases(self) -> int:
        """Requests that were answered."""
        return sum(self.by_status.values())

    def figures(self) -> dict[str, Any]:
        """As a record has them."""
        return {
            "cases": self.cases,
            "byOperation": self.by_operation,
            "byStatus": self.by_status,
            "failures": self.failures,
            "seconds": round(self.seconds, 1),
        }


@contextmanager
def serving(folder: Path) -> Iterator[Gateway]:
    """A cluster, a store and a gateway, without an operator."""
    os.environ.setdefault("IMAGEJOB_DEV_PREBUILT", "0")
    limits = dict.fromkeys(("limitPerSubject", "retriesPerSubject"), UNBOUNDED)
    with (
        team_of(folder) as team,
        gateways.running(team, folder, maxBytes=MAX_BYTES, **limits) as gateway,
    ):
        yield gateway


def fuzz(gateway: Gateway, examples: int, seed: int, folder: Path) -> Found:
    """Have schemathesis make at most so many examples of each operation."""
    token = gateway.token(exp=int(time.time()) + HOUR)
    report, config = folder / "report.ndjson", folder / "schemathesis.toml"
    # On the command line it would count for operations that the file has a lower number for.
    given = (HERE / config.name).read_text()
    config.write_text(f"generation.max-examples = {examples}\n{given}")
    command = [
        *(str(Path(sys.executable).with_name("st")), "--config-file", str(config)),
        *("run", f"http://127.0.0.1:{gateway.port}/openapi.json"),
        *("--header", f"Authorization: Bearer {token}", "--checks", "all"),
        *("--seed", str(seed), "--max-redirects", "0"),
        *("--continue-on-failure", "--suppress-health-check", "all", "--no-color"),
        *("--generation-database", "none", "--report-ndjson-path", str(report)),
    ]
    # Its own folder, not that of the benchmarks, whose operator.py would hide another.
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "fuzz_images", "PYTHONPATH": str(HERE)}
    began = time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, check=False)
    return found(report.read_bytes().splitlines(), time.monotonic() - began)


class _Answer(msgspec.Struct):
    status_code: int


class _Interaction(msgspec.Struct):
    response: _Answer | None = None


class _Check(msgspec.Struct):
    name: str
    status: str
    failure_info: msgspec.Raw = msgspec.Raw(b"null")


class _Recorder(msgspec.Struct):
    label: str
    interactions: dict[str, _Interaction] = {}
    checks: dict[str, list[_Check]] = {}


class _Scenario(msgspec.Struct):
    recorder: _Recorder


class _Error(msgspec.Struct):
    label: str = ""
    info: msgspec.Raw = msgspec.Raw(b"null")


class _Line(msgspec.Struct):
    """An event of schemathesis' report."""

    scenario: _Scenario | None = msgspec.field(name="ScenarioFinished", default=None)
    error: _Error | None = msgspec.field(name="NonFatalError", default=None)


def found(lines: Iterable[bytes], seconds: float) -> Found:
    """Count what a report says."""
    operations, statuses = Counter[str](), Counter[str]()
    failures: list[str] = []
    for line in lines:
        event = msgspec.json.decode(line, type=_Line)
        if event.error:
            failures.append(f"{event.error.label}: {bytes(event.error.info).decode()}")
        if event.scenario:
            recorder = event.scenario.recorder
            answers = [each.response for each in recorder.interactions.values() if each.response]
            operations[recorder.label] += len(answers)
            statuses.update(str(answer.status_code) for answer in answers)
            failures += _failed(recorder)
    return Found(dict(operations), dict(sorted(statuses.items())), failures, seconds)


def _failed(recorder: _Recorder) -> Iterator[str]:
    for checks in recorder.checks.values():
        for check in checks:
            if check.status == "failure":
                info = bytes(check.failure_info).decode()
                yield f"{recorder.label}: {check.name}: {info}"
