"""Finished ImageJobs are deleted when their TTL has passed, and no others are."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_operator.controllers.ttl import Sweeper, sweep_forever
from imagejob_operator.kube.errors import ApiError
from support import accounts
from support.audit_schema import complaints_about
from support.tenant import Body, Tenant, image_job

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from imagejob_dev.client import Client
    from imagejob_operator.kube.client import Cluster

SECONDS = 20.0
SOON = timedelta(milliseconds=10)
NOW = datetime.now(UTC).replace(microsecond=0)
AN_HOUR_AGO = NOW - timedelta(hours=1)
SUCCEEDED: Body = {"phase": "Succeeded", "completionTime": AN_HOUR_AGO.isoformat()}
FAILED: Body = {**SUCCEEDED, "phase": "Failed"}


class Namespace(Tenant):
    """A tenant's namespace, with ImageJobs that nobody processes."""

    def make(self, name: str, status: Body, ttl: int | None = None, **spec: Any) -> None:
        """Create an ImageJob with that status."""
        spec |= {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
        self.apply(image_job(name, **spec))
        patch = json.dumps({"status": status})
        where = ("--subresource=status", "--type=merge", f"--patch={patch}")
        self.kubectl("patch", "imagejob", name, *where)

    def uids(self) -> dict[str, str]:
        """UID by name, of the existing ImageJobs."""
        listed = self.cluster.rest.get(self.path("imagejobs"))["items"]
        return {body["metadata"]["name"]: body["metadata"]["uid"] for body in listed}


class Log:
    """The audit log of a namespace. `then` runs after a line is written."""

    def __init__(self, team: Namespace, then: Callable[[], object] = lambda: None) -> None:
        self.lines: list[Body] = []
        self._namespace = team.namespace
        self.then = then

    def tell(self, line: bytes) -> None:
        told = json.loads(line)
        if told["namespace"] == self._namespace:
            self.lines.append(told)
            self.then()

    @property
    def names(self) -> list[str]:
        return [line["name"] for line in self.lines]


@pytest.fixture
def team(cluster: Client, namespace: str) -> Namespace:
    return Namespace(cluster, namespace)


def test_what_has_expired_goes_and_all_else_stays(team: Namespace) -> None:
    team.make("succeeded", SUCCEEDED, ttl=0)
    team.make("failed", FAILED, ttl=0)
    team.make("over", SUCCEEDED, ttl=3600)
    team.make("not-over", SUCCEEDED, ttl=3601)
    team.make("over-long-ago", SUCCEEDED, ttl=60)
    team.make("kept", SUCCEEDED)
    team.make("failed-and-kept", FAILED)
    team.make("waits", {"phase": "Pending"}, ttl=0)
    team.make("runs", {"phase": "Running"}, ttl=0)
    team.apply(image_job("not-met", ttlSecondsAfterFinished=0))
    log = Log(team)

    sweep(team, log)

    assert sorted(log.names) == ["failed", "over", "over-long-ago", "succeeded"]
    left = ["failed-and-kept", "kept", "not-met", "not-over", "runs", "waits"]
    assert sorted(team.uids()) == left


def test_the_audit_log_has_it_before_it_goes(team: Namespace) -> None:
    entry = {"time": NOW.isoformat(), "actor": "ann", "event": "e", "reason": "r", "message": "m"}
    audit = [{"seq": 4, **entry}, {"seq": 5, **entry}]
    team.make("cat", {**SUCCEEDED, "audit": audit}, ttl=60)
    uids = team.uids()
    there: list[dict[str, str]] = []
    log = Log(team, then=lambda: there.append(team.uids()))

    sweep(team, log)

    assert there == [uids]
    (line,) = log.lines
    assert complaints_about(line) == []
    assert {name: line[name] for name in ("uid", "seq", "event", "reason", "message")} == {
        "uid": uids["cat"],
        "seq": 6,
        "event": "Deleted",
        "reason": "TTLExpired",
        "message": "it has been kept for 60 s after it finished",
    }


def test_more_than_a_page(team: Namespace) -> None:
    for number in range(7):
        team.make(f"photo-{number}", SUCCEEDED, ttl=0 if number % 3 else 7200)
    log = Log(team)

    sweep(team, log, page_size=2)

    assert sorted(team.uids()) == ["photo-0", "photo-3", "photo-6"]
    assert sorted(log.names) == ["photo-1", "photo-2", "photo-4", "photo-5"]


def test_another_of_the_same_name_stays(team: Namespace) -> None:
    """It was deleted and created again after the list."""
    team.make("cat", SUCCEEDED, ttl=0)
    old = team.uids()

    def replace() -> None:
        team.kubectl("delete", "imagejob", "cat")
        team.make("cat", SUCCEEDED, ttl=0)

    sweep(team, Log(team, then=replace))

    new = team.uids()
    assert new.keys() == {"cat"}
    assert new != old


def test_what_has_changed_since_it_was_listed_is_looked_at_again(team: Namespace) -> None:
    team.make("cat", SUCCEEDED, ttl=0)
    log = Log(team, then=lambda: team.kubectl("annotate", "imagejob", "cat", "a=b"))

    async def twice(cluster: Cluster) -> tuple[list[str], list[str]]:
        sweeper = Sweeper(cluster, log.tell, lambda: NOW)
        await sweeper.sweep()
        left = list(team.uids())
        await sweeper.sweep()
        return left, list(team.uids())

    assert as_operator(team, twice) == (["cat"], [])
    assert log.names == ["cat"]


def test_an_imagejob_that_a_finalizer_keeps_is_logged_once(team: Namespace) -> None:
    """A finalizer keeps it; it is already being deleted."""
    team.make("cat", SUCCEEDED, ttl=0)
    hold = json.dumps({"metadata": {"finalizers": ["example.com/hold"]}})
    team.kubectl("patch", "imagejob", "cat", "--type=merge", f"--patch={hold}")
    log = Log(team)

    sweep(team, log)
    sweep(team, log)

    assert (log.names, list(team.uids())) == (["cat"], ["cat"])
    release = json.dumps({"metadata": {"finalizers": None}})
    team.kubectl("patch", "imagejob", "cat", "--type=merge", f"--patch={release}")
    assert team.uids() == {}


def test_a_rejected_deletion_is_logged_once(team: Namespace) -> None:
    """And it doesn't block the others."""
    team.make("cat", SUCCEEDED, ttl=0)
    team.make("dog", SUCCEEDED, ttl=0)
    log = Log(team)

    async def twice(cluster: Cluster) -> None:
        sweeper = Sweeper(cluster, log.tell, lambda: NOW)
        await sweeper.sweep()
        await sweeper.sweep()

    accounts.run(accounts.allow_to_list(team.cluster, team.namespace), twice)

    assert sorted(log.names) == sorted(team.uids()) == ["cat", "dog"]


def test_it_sweeps_again_and_again(team: Namespace) -> None:
    team.make("cat", SUCCEEDED, ttl=0)
    log = Log(team)

    def then() -> None:
        if log.names == ["cat", "dog"]:
            raise EnoughError
        team.make("dog", SUCCEEDED, ttl=0)

    async def until_enough(cluster: Cluster) -> None:
        async with asyncio.timeout(SECONDS):
            await sweep_forever(cluster, log.tell, lambda: NOW, SOON)

    log.then = then
    with pytest.raises(EnoughError):
        as_operator(team, until_enough)

    assert list(team.uids()) == ["dog"]


def test_it_continues_after_a_rejection(team: Namespace, caplog: pytest.LogCaptureFixture) -> None:
    team.make("cat", SUCCEEDED, ttl=0)
    log = Log(team, then=enough)
    no_rights = team.cluster.kubeconfig_for(team.namespace, "default")

    async def until_it_may(cluster: Cluster) -> None:
        with pytest.raises(ApiError, match="forbidden"):
            await Sweeper(cluster, log.tell, lambda: NOW).sweep()
        sweeping = asyncio.create_task(sweep_forever(cluster, log.tell, lambda: NOW, SOON))
        await asyncio.to_thread(accounts.allow_to_list, team.cluster, team.namespace)
        async with asyncio.timeout(SECONDS):
            await sweeping

    with pytest.raises(EnoughError):
        accounts.run(no_rights, until_it_may)

    assert "will retry: 403" in caplog.messages[0]


class EnoughError(OSError):
    """The test has seen all that it needs. The sweeper takes it for an audit log that can't be
    written: only that ends it."""


def enough() -> None:
    raise EnoughError


def sweep(team: Namespace, log: Log, **how: int) -> None:
    """Sweep once, as the operator."""

    async def once(cluster: Cluster) -> None:
        await Sweeper(cluster, log.tell, lambda: NOW).sweep(**how)

    as_operator(team, once)


def as_operator(team: Namespace, do: Callable[[Cluster], Awaitable[Any]]) -> Any:
    """With exactly the operator's rights."""
    return accounts.run(team.cluster.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR), do)
