"""The promises of docs/concepts.md, each checked against a history. Pure: no clock, no cluster."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from support import audit_log
from support.adversary.measures import admissions, charged, connected, most_charged, waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support.adversary.history import History, Life, Write

Found = tuple[str, tuple[str, ...]]
"""What was seen, and the UIDs concerned."""


class Promise(NamedTuple):
    """`words` are those of docs/concepts.md, or of the page that it links to."""

    name: str
    words: str
    broken: Callable[[History], Iterator[Found]]


class Violation(NamedTuple):
    """A broken promise."""

    name: str
    words: str
    seen: str
    uids: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} ({self.words!r}): {self.seen}"


def violations(history: History) -> list[Violation]:
    """All broken promises."""
    return [
        Violation(promise.name, promise.words, seen, uids)
        for promise in PROMISES
        for seen, uids in promise.broken(history)
    ]


def _too_many_charges(history: History) -> Iterator[Found]:
    most = most_charged(history)
    if most > history.limit:
        yield f"{most} in a window of {history.window}, of {history.limit}", ()


def _charged_twice(history: History) -> Iterator[Found]:
    for namespace in (history.namespace, history.neighbour):
        for uid, times in admissions(history, namespace).items():
            if len(times) > 1:
                yield f"{uid} at {sorted(map(str, times))}", (uid,)


def _more_sources_than_charges(history: History) -> Iterator[Found]:
    """By connected component: folders, the UIDs that had a worker for them, and their others."""
    for folders, uids in connected(history):
        numbers = {
            write.picture
            for write in history.writes
            if write.picture is not None and write.key.rpartition("/")[0] in folders
        }
        paid = uids & charged(history)
        if len(numbers) > len(paid):
            seen = f"{len(numbers)} different pictures in {sorted(folders)} for {len(paid)} charges"
            yield seen, tuple(sorted(uids))


def _written_by_none(history: History) -> Iterator[Found]:
    known = {folder for life in history.lives for folder in life.folders}
    for write in history.writes:
        if write.picture is not None and write.key.rpartition("/")[0] not in known:
            yield f"{write.key} was written, and no worker's order names its folder", ()


def _meetings(what: str) -> Callable[[History], Iterator[Found]]:
    def broken(history: History) -> Iterator[Found]:
        for meeting in history.meetings:
            if meeting.what.startswith(what):
                uid = meeting.what.removeprefix("uid ")
                yield f"{meeting.what}: {', '.join(meeting.pods)} at once", (uid,)

    return broken


def _digests_differ(history: History) -> Iterator[Found]:
    lives = {life.pod: life for life in history.lives}
    for finish in history.finishes:
        if finish.phase != "Succeeded":
            continue
        for key, digest in finish.outputs:
            there = _at_the_end(history.writes, key, lives.get(finish.pod))
            if digest not in there:
                seen = ", ".join(each[:12] for each in there) or "nothing"
                yield f"{finish.uid}: {key} is said to be {digest[:12]}, was {seen}", (finish.uid,)


def _overwritten(history: History) -> Iterator[Found]:
    """A write after the end, by its own worker: no other one has ever filled that folder."""
    for finish in history.finishes:
        said = dict(finish.outputs) if finish.phase == "Succeeded" else {}
        for write in history.writes:
            digest = said.get(write.key, write.digest)
            if write.at <= finish.at or write.digest == digest:
                continue
            folder = write.key.rpartition("/")[0]
            if all(finish.uid in life.uids for life in history.lives if folder in life.folders):
                seen = f"{write.key} is said to be {digest[:12]}, and is {write.digest[:12]} since"
                yield f"{finish.uid}: {seen}", (finish.uid,)


def _at_the_end(writes: Iterable[Write], key: str, life: Life | None) -> list[str]:
    """Digests that may have been at the key when its worker ended; all, if that time is unknown."""
    those = sorted(write for write in writes if write.key == key)
    if life is None:
        return [write.digest for write in those]
    before = [write.digest for write in those if write.at <= life.alive]
    return before[-1:] + [write.digest for write in those if life.alive < write.at <= life.ended]


def _free_success(history: History) -> Iterator[Found]:
    told = {**admissions(history, history.namespace), **admissions(history, history.neighbour)}
    for finish in history.finishes:
        if finish.phase == "Succeeded" and finish.uid not in told:
            yield f"{finish.uid} succeeded and was never charged", (finish.uid,)


def _changed_after_the_end(history: History) -> Iterator[Found]:
    ends: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for finish in history.finishes:
        ends[finish.uid].add(finish[2:5])
    for uid, different in ends.items():
        if len(different) > 1:
            yield f"{uid} ended as {sorted(map(str, different))}", (uid,)


def _late_neighbour(history: History) -> Iterator[Found]:
    for uid, (seconds, others) in waits(history).items():
        if others > history.most_between:
            seen = f"{uid} waited {seconds:.1f} s while the tenant got {others} worker Jobs"
            yield f"{seen}, of {history.most_between}", (uid,)


def _all_places_taken(history: History) -> Iterator[Found]:
    if history.most_at_once > history.places:
        yield f"the tenant had {history.most_at_once} workers at once, of {history.places}", ()


def _stuck(history: History) -> Iterator[Found]:
    for uid, stand in history.unsettled.items():
        yield f"{uid} stands at {stand}", (uid,)


def _too_large(history: History) -> Iterator[Found]:
    for life, size in history.memory.items():
        if size > history.memory_budget:
            budget = history.memory_budget >> 20
            yield f"{life} had {size >> 20} MiB of {budget}", ()


def _holes(history: History) -> Iterator[Found]:
    for uid, seq in audit_log.holes(history.audit):
        yield f"{uid} has no line {seq}", (uid,)


def _untold(history: History) -> Iterator[Found]:
    """The audit log has what a status shows, in the same words."""
    told = {(line.uid, line.seq, line.event, line.reason) for line in history.audit}
    for uid, status in history.shown.items():
        for entry in status.get("audit", []):
            if (uid, entry["seq"], entry["event"], entry["reason"]) not in told:
                seen = f"{uid} shows {entry['seq']}: {entry['event']}, {entry['reason']}"
                yield f"{seen}, and no line does", (uid,)


def _shown_with_holes(history: History) -> Iterator[Found]:
    for uid, status in history.shown.items():
        seqs = [entry["seq"] for entry in status.get("audit", [])]
        if seqs and seqs != list(range(seqs[0], seqs[0] + len(seqs))):
            yield f"{uid} shows {seqs}", (uid,)


def _forged(history: History) -> Iterator[Found]:
    true = {(line.uid, line.event, line.reason) for line in history.audit}
    for event in history.told:
        if event.uid in history.namespaces and event not in true:
            yield f"an Event says of {event.uid}: {event.event}, {event.reason}", (event.uid,)


PROMISES = (
    Promise(
        "charges in a window",
        "No window of a quota holds more admissions than its limit",
        _too_many_charges,
    ),
    Promise("charged once", "An ImageJob is charged once", _charged_twice),
    Promise("processed and not charged", "An ImageJob is charged once", _free_success),
    Promise(
        "sources for a charge",
        "One charge is one source",
        _more_sources_than_charges,
    ),
    Promise(
        "written by a worker of ours",
        "No two workers ... write to one destination at once",
        _written_by_none,
    ),
    Promise(
        "one worker for an ImageJob",
        "No two workers process one ImageJob at once",
        _meetings("uid"),
    ),
    Promise(
        "one worker for a destination",
        "No two workers ... write to one destination at once",
        _meetings("folder"),
    ),
    Promise(
        "digests of what is stored",
        "Succeeded means that each is stored, whole, with the digest that the status says",
        _digests_differ,
    ),
    Promise(
        "what is stored stays",
        "Succeeded means that each is stored, whole, with the digest that the status says",
        _overwritten,
    ),
    Promise("the end is the end", "A finished ImageJob never changes", _changed_after_the_end),
    Promise(
        "a neighbour's turn", "Workers are shared by the time that they are held", _late_neighbour
    ),
    Promise(
        "a place for who has none",
        "Some workers are reserved for namespaces that hold no more than one",
        _all_places_taken,
    ),
    Promise("an end for each", "kubectl wait --for=condition=Finished always returns", _stuck),
    Promise("memory", "What tenants write costs the operator no more than its budget", _too_large),
    Promise("audit without holes", "Each transition is in the audit log, without gaps", _holes),
    Promise(
        "audit before status",
        "Each transition is in the audit log before the status shows it",
        _untold,
    ),
    Promise("status.audit without holes", "numbered without gaps", _shown_with_holes),
    Promise("the operator's Events", "Only the operator makes Events that say to be its", _forged),
)
