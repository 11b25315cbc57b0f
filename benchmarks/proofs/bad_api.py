"""ImageJobs that arrive while the API server fails at random, and what must be true of them."""

from __future__ import annotations

import hashlib
import re
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from imagejob_dev.cluster import Cluster
from support import audit_log, namespaces
from support.bad_api import FAULTS, BadApi, Fault
from support.ledgers import charges
from support.recorder import owners, recording
from support.replicas import Replica
from support.restarts import kept_running
from support.tenant import Body, Tenant, image_job, is_finished, picture
from support.windows import most_in_any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from random import Random

    from imagejob_dev.program import Program
    from support.audit_log import Line

REPLICAS = 2
LEASE_SECONDS = "15"  # the default; other tests have a shorter one
SETTINGS = {"max_workers": "4", "lease_seconds": LEASE_SECONDS}
SOURCE = "incoming/photo.jpg"
DEPOSED = 3
RESTART_SECONDS = 2.0
END_SECONDS = 300.0
MOST_LINES = 80
"""Of one operator's log in any minute, without the audit log: 15 of each message that names an
object (an action, an Event, a watch that fails, one that works again), and those of a start."""

LOST = "exiting, as the lease was lost"
STAMP = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),(\d{3}) ")


class Spell(NamedTuple):
    """A time of so many seconds with a fault, or with none."""

    seconds: float
    fault: Fault | None


@dataclass
class History:
    """What came of it. `exits` are the exit codes of operators that ended by themselves."""

    names: list[str]
    exits: list[int] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, Body] = field(default_factory=dict)
    dispatches: Counter[str] = field(default_factory=Counter)
    stored: dict[str, str] = field(default_factory=dict)
    charges: int = 0
    audit: list[Line] = field(default_factory=list)
    logs: list[list[str]] = field(default_factory=list)
    """The lines of each operator, without the audit log."""
    seconds_after: float = 0.0
    """From the end of the bad weather until the last ImageJob had finished."""


def weather(dice: Random, seconds: float) -> Iterator[Spell]:
    """Each fault in turn, in an order that changes; for part of the requests or for all, and now
    and then for longer than a Lease lasts."""
    names: list[str] = []
    while seconds > 0:
        names = names or dice.sample(FAULTS, len(FAULTS))
        length = dice.uniform(12, 20) if dice.random() < 0.1 else dice.uniform(0.5, 6)
        fault = Fault(names.pop(), share=dice.choice((0.1, 0.3, 1.0)))
        for spell in (Spell(length, fault), Spell(dice.uniform(0.5, 3), None)):
            yield spell
            seconds -= spell.seconds


def run(folder: Path, spells: Sequence[Spell], count: int, seed: int) -> History:
    """Have so many ImageJobs arrive in that weather, and wait for their ends."""
    history = History([f"photo-{number:03}" for number in range(count)])
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(folder))
        cluster.install()
        team = _team(cluster, stack.enter_context(namespaces.fresh(cluster)))
        bad = stack.enter_context(BadApi(cluster, seed))
        replicas = [_replica(cluster, bad, number) for number in range(REPLICAS)]
        programs = [replica.program for replica in replicas]
        workers = stack.enter_context(recording(cluster.rest, team.path("jobs")))
        with _started(programs), kept_running(programs, RESTART_SECONDS) as history.exits:
            _live_through(spells, bad, team, history.names)
            began = time.monotonic()
            history.statuses = team.wait_all(is_finished, count, END_SECONDS)
            history.seconds_after = time.monotonic() - began
            team.wait_for_no_workers()
        history.met = bad.met
        history.charges = charges(cluster, team.namespace)
        history.stored = {name: _digest(team, name) for name in history.names}
        logs = [replica.program.log for replica in replicas]
        history.audit = audit_log.printed(*logs)
        history.logs = [_lines(log) for log in logs]
    history.dispatches = owners(workers)
    return history


def broken(history: History) -> dict[str, str]:
    """Name of a promise → how it was broken, of those that were."""
    found = {promise.name: promise.broken(history) for promise in PROMISES}
    return {name: seen for name, seen in found.items() if seen}


def figures(history: History) -> dict[str, object]:
    """What was measured."""
    return {
        "faults": dict(sorted(history.met.items())),
        "phases": Counter(status["phase"] for status in history.statuses.values()),
        "dispatches": Counter(history.dispatches.values()),
        "charges": history.charges,
        "exits": history.exits,
        "leasesLost": _leases_lost(history),
        "secondsAfterTheWeather": round(history.seconds_after, 1),
        "mostLogLinesInAMinute": max(map(_most_lines, history.logs)),
        "promises": {promise.name: promise.words for promise in PROMISES},
    }


class Promise(NamedTuple):
    """`words` are those of docs/concepts.md. `broken` says how it was broken, or is ""."""

    name: str
    words: str
    broken: Callable[[History], str]


def _unfinished(history: History) -> str:
    phases = Counter(status.get("phase") for status in history.statuses.values())
    return "" if phases == {"Succeeded": len(history.names)} else str(phases)


def _charged_wrongly(history: History) -> str:
    told = audit_log.times_of(history.audit, "Admitted")
    often = Counter(len(set(times)) for times in told.values())
    count = len(history.names)
    exact = history.charges == count and often == {1: count}
    return "" if exact else f"{history.charges} charges; {often} by the audit log"


def _dispatched_again(history: History) -> str:
    wrong = {name: n for name in history.names if (n := history.dispatches[name]) != 1}
    told = [str(line) for line in history.audit if line.name in wrong]
    return "\n".join([f"worker Jobs: {wrong}", *told]) if wrong else ""


def _outputs_differ(history: History) -> str:
    told = {name: each["outputs"][0]["sha256"] for name, each in history.statuses.items()}
    return "" if told == history.stored else "statuses and stored outputs differ"


def _holes(history: History) -> str:
    holes = audit_log.holes(history.audit)
    return f"missing: {holes}" if holes else ""


def _other_exits(history: History) -> str:
    others = [code for code in history.exits if code != DEPOSED]
    if others or len(history.exits) > _leases_lost(history):
        return f"exit codes {history.exits}, {_leases_lost(history)} Leases lost"
    return ""


def _tracebacks(history: History) -> str:
    found = [line for log in history.logs for line in log if not STAMP.match(line)]
    return f"{len(found)} lines such as {found[0]!r}" if found else ""


def _too_many_lines(history: History) -> str:
    most = max(map(_most_lines, history.logs))
    return f"{most} lines in a minute" if most > MOST_LINES else ""


PROMISES = (
    Promise("an end for each", "kubectl wait --for=condition=Finished always returns", _unfinished),
    Promise("charged once", "An ImageJob is charged once", _charged_wrongly),
    Promise("one dispatch", "No two workers process one ImageJob", _dispatched_again),
    Promise("outputs as told", "Succeeded means that each is stored", _outputs_differ),
    Promise("audit without holes", "Each transition is in the audit log", _holes),
    Promise("exits", "An operator ends only if it loses its Lease", _other_exits),
    Promise("no traceback", "A trouble is logged when it begins and when it is over", _tracebacks),
    Promise("few lines", "A trouble is logged when it begins and when it is over", _too_many_lines),
)


def _team(cluster: Cluster, namespace: str) -> Tenant:
    team = Tenant(cluster, namespace)
    team.open()
    team.quota("100000/1h")
    team.put(SOURCE, picture(64, 48))
    return team


def _replica(cluster: Cluster, bad: BadApi, number: int) -> Replica:
    kubeconfig = bad.kubeconfig_of("imagejob-system", "imagejob-operator")
    return Replica(cluster, f"bad-api-{number}", kubeconfig=kubeconfig, **SETTINGS)


@contextmanager
def _started(programs: Sequence[Program]) -> Iterator[None]:
    with ExitStack() as stack:
        for program in programs:
            stack.enter_context(program)
        yield


def _live_through(spells: Sequence[Spell], bad: BadApi, team: Tenant, names: list[str]) -> None:
    """ImageJobs arrive evenly: after each spell, as many as are due."""
    whole, passed, made = sum(spell.seconds for spell in spells), 0.0, 0
    for spell in spells:
        bad.fault = spell.fault
        time.sleep(spell.seconds)
        passed += spell.seconds
        due = round(len(names) * passed / whole)
        team.create([image_job(name, SOURCE) for name in names[made:due]])
        made = due
    bad.fault = None


def _digest(team: Tenant, name: str) -> str:
    return hashlib.sha256(team.get(f"derived/{name}/thumb.jpg")).hexdigest()


def _lines(log: Path) -> list[str]:
    return [
        line
        for line in log.read_text().splitlines()
        if not line.startswith(audit_log.MARK.decode())
    ]


def _most_lines(lines: list[str]) -> int:
    stamps = [STAMP.match(line) for line in lines]
    times = [datetime.fromisoformat(f"{each[1]}.{each[2]}") for each in stamps if each]
    return most_in_any(timedelta(minutes=1), times)


def _leases_lost(history: History) -> int:
    return sum(LOST in line for log in history.logs for line in log)
