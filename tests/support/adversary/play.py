"""One run: its moves are made, and their consequences observed to the end."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from imagejob_dev.errors import DevError
from imagejob_dev.rest import ApiError

from support import audit_log
from support.adversary import asks, bodies
from support.adversary.front import Manners
from support.adversary.ground import Ground
from support.adversary.history import History, Told
from support.adversary.moves import RESOURCES, Move
from support.adversary.neighbour import Neighbour
from support.adversary.operators import MAX_WORKERS
from support.adversary.watch import Watcher, task_prefixes
from support.raw_requests import Attacker, attacker

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.client import Client

    from support.adversary.front import Front
    from support.adversary.operators import Operators

LIMIT, WINDOW = 6, timedelta(seconds=5)
KEPT = 1  # a quarter of the slots, the platform's default reserve
MEMORY_BUDGET = 128 << 20  # of an operator with a few dozen namespaces
MOST_BETWEEN = 8
"""Worker Jobs of the tenant between a neighbour's admission and its worker Job. Its share is one;
all four slots may just have been assigned, and again by an operator that starts.
"""
FLOOD = 24
DRAINER = "adversary-drainer"
"""An account of the platform: may evict pods in all namespaces."""
REFUSED = 400
LOST = (OSError, ApiError, DevError)


class Run:
    """`namespace` is that of the tenant, who has only `edit` there."""

    def __init__(
        self, cluster: Client, front: Front, operators: Operators, namespace: str, other: str
    ) -> None:
        self.began = time.monotonic()
        self.moves: list[Move] = []
        self.answers: Counter[str] = Counter()
        self._front, self._operators = front, operators
        self._ground = Ground(cluster, front, namespace)
        self._tenant = attacker(cluster, namespace, "edit")
        self._drainer = Attacker(cluster, DRAINER, namespace)
        self._watcher = Watcher(cluster.rest, (namespace, other))
        self._neighbour = Neighbour(cluster, other, front)
        self._stuck: dict[str, str] = {}

    def begin(self) -> None:
        """The platform sets the quota; the tenant has two stores and four images."""
        self._ground.team.quota(f"{LIMIT}/{WINDOW.seconds}s")
        for key in bodies.KEYS:
            self._ground.team.put(key, self._front.new_picture())
        self._ground.open()
        self._watcher.start()
        self._neighbour.start()

    def play(self, move: Move) -> None:
        """Make a move, and count its outcome: a rejection is fine."""
        self.moves.append(move)
        makers: dict[str, Callable[[Move], str]] = {
            "upload": self._upload,
            "behave": self._behave,
            "wait": self._wait,
            "kill": self._kill,
            "toggle": self._toggle,
            "pause": self._pause,
            "flood": self._flood,
            "evict": self._evict,
        }
        try:
            answer = makers.get(move.what, self._request)(move)
        except LOST as error:
            answer = f"no answer: {type(error).__name__}"
        self.answers[f"{move.kind}: {answer}"] += 1

    def settle(self, seconds: float) -> None:
        """Make the stores behave, remove the tenant's obstacles, and wait for all to end."""
        self._front.settle(self._ground.team.bucket)
        self._operators.ready()
        self._neighbour.stop()
        self._ground.clear_the_way()
        self._ground.open()
        deadline = time.monotonic() + seconds
        both = (self._ground.namespace, self._neighbour.namespace)
        while (stuck := self._ground.unsettled(*both)) and time.monotonic() < deadline:
            with self._watcher.changed:
                self._watcher.changed.wait(0.5)
            self._ground.clear_the_way()
        self._stuck = stuck

    def history(self) -> History:
        """What is known so far."""
        watcher, ground = self._watcher, self._ground
        history = History(
            ground.namespace,
            self._neighbour.namespace,
            LIMIT,
            WINDOW,
            MOST_BETWEEN,
            MAX_WORKERS - KEPT,
            MEMORY_BUDGET,
            namespaces=dict(watcher.known),
            lives=watcher.lives,
            meetings=list(watcher.meetings),
            dispatches=list(watcher.dispatches),
            most_at_once=watcher.most[ground.namespace],
            memory=self._operators.measured(),
            told=[told for each in ground.all("events") if (told := _told(each))],
            unsettled=self._stuck,
        )
        for bucket in (ground.team.bucket, self._neighbour.bucket):
            history.writes += self._front.writes(bucket)
        prefixes = task_prefixes(watcher)
        for finish in list(watcher.finishes):
            prefix = prefixes.get(finish.uid, "")
            outputs = [(f"{prefix}/{key}".lstrip("/"), digest) for key, digest in finish.outputs]
            history.finishes.append(finish._replace(outputs=tuple(outputs)))
        for body in ground.all("imagejobs", ground.namespace, self._neighbour.namespace):
            history.shown[body["metadata"]["uid"]] = body.get("status", {})
            history.namespaces[body["metadata"]["uid"]] = body["metadata"]["namespace"]
        lines = audit_log.printed(*self._operators.logs)
        history.audit = [line for line in lines if line.uid in history.namespaces]
        return history

    def end(self) -> None:
        """Remove everything that would keep the namespaces from being deleted."""
        self._watcher.stop()
        self._ground.clear_the_way()
        for bucket in (self._ground.team.bucket, self._neighbour.bucket):
            self._front.forget(bucket)

    def _request(self, move: Move) -> str:
        method, path, body = asks.request(self._ground, move)
        if move.options.get("again"):
            gone = f"{path}/{body['metadata']['name']}"
            self._tenant.send("DELETE", gone, asks.delete_options(move.options))
        return _outcome(self._tenant.send(method, path, body).status)

    def _upload(self, move: Move) -> str:
        """Bypass the front, so that the write counts for no worker."""
        team, how = self._ground.team, move.options["how"]
        key = bodies.pick(bodies.KEYS, move.options["key"])
        if how == "swap":
            team.put(key, self._front.new_picture())
        elif how == "garbage":
            team.put(key, b"\x89PNG\r\n\x1a\n nothing")
        elif how == "overwrite an output":
            others = [each for each in sorted(team.keys()) if "incoming/" not in each]
            team.put(bodies.pick(others or [key], move.options["key"]), b"the tenant's own")
        else:
            client = team.cluster.s3.client()
            client.delete_object(Bucket=team.bucket, Key=key)
            client.close()
        return "accepted"

    def _behave(self, move: Move) -> str:
        self._front.behave(self._ground.team.bucket, Manners(**move.options))
        return "accepted"

    def _kill(self, move: Move) -> str:
        self._operators.kill(move.options["which"])
        return "done"

    def _toggle(self, _: Move) -> str:
        self._operators.toggle()
        return "done"

    def _pause(self, move: Move) -> str:
        which = move.options["which"]
        if which % 2:
            self._operators.resume()
        else:
            self._operators.pause(which // 2)
        return "done"

    def _flood(self, move: Move) -> str:
        """Create many large objects, of a kind that the operator caches."""
        path, api = self._ground.path("imageprofiles"), RESOURCES["imageprofiles"]
        meta = {"annotations": {"huge": bodies.HUGE}}
        statuses = []
        for number in range(FLOOD):
            name = f"flood-{move.options['which']}-{number}"
            body = bodies.kind("imageprofiles", api, name, metadata=meta, spec=bodies.PROFILE)
            statuses.append(self._tenant.send("POST", path, body).status)
        return _outcome(min(statuses))

    def _evict(self, move: Move) -> str:
        method, path, body = asks.eviction(self._ground, move)
        return _outcome(self._drainer.send(method, path, body).status)

    def _wait(self, move: Move) -> str:
        deadline = time.monotonic() + move.options["most"] / 100
        watcher, reads, until = self._watcher, self._front.reads, move.options["until"]
        finished, seen = len(watcher.finishes), watcher.events
        conditions: dict[str, Callable[[], bool]] = {
            "a worker runs": lambda: watcher.running() > 0,
            "a source is read": lambda: self._front.reads > reads,
            "one has finished": lambda: len(watcher.finishes) > finished,
            "something changes": lambda: watcher.events > seen,
            "nothing": lambda: False,
        }
        with watcher.changed:
            while not (over := conditions[until]()) and (left := deadline - time.monotonic()) > 0:
                watcher.changed.wait(min(left, 0.1))
        return "done" if over else "in time"


def _told(event: dict[str, Any]) -> Told | None:
    """None unless a field of the Event claims that it is the operator's."""
    reporters = event.get("reportingComponent"), event.get("source", {}).get("component")
    if bodies.REPORTER not in reporters or event["involvedObject"].get("kind") != "ImageJob":
        return None
    uid = event["involvedObject"].get("uid", "")
    return Told(uid, event.get("action", ""), event.get("reason", ""))


def _outcome(status: int) -> str:
    return "accepted" if status < REFUSED else f"refused with {status}"
