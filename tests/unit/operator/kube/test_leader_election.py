"""Ends tasks reliably; counts attempts that get no response, and gives up after them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_dev.ports import LOOPBACK
from imagejob_operator.kube import leader_election as leadership
from imagejob_operator.kube import transport
from imagejob_operator.kube.errors import NotFoundError, UnreachableError
from imagejob_operator.kube.lease import LeaseTimings
from imagejob_operator.kube.lease_lock import LeaseLock, LeaseLostError
from imagejob_operator.observability.metrics import Metrics

if TYPE_CHECKING:
    from pathlib import Path


async def _deaf_to_the_first() -> None:
    """Like a wait_for whose result comes in the same turn of the loop."""
    with suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    await asyncio.Event().wait()


async def _failing_at_its_end() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ValueError("while it tidied up")


async def _ready() -> None:
    return


@pytest.mark.parametrize("work", [_deaf_to_the_first, _failing_at_its_end, _ready])
def test_a_task_has_ended_however_it_does(
    work: leadership.Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "CANCEL_AGAIN_SECONDS", 0.01)

    async def begin_and_end() -> bool:
        task = asyncio.create_task(work())
        await asyncio.wait((task,), timeout=0)
        await leadership.end(task)
        with suppress(asyncio.CancelledError):
            task.exception()
        return task.done()

    assert asyncio.run(begin_and_end())


async def _forever() -> None:
    await asyncio.Event().wait()


async def _silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read what comes, and respond nothing, as if packets were dropped."""
    await reader.read()
    writer.close()


def test_an_attempt_without_a_response_is_counted_as_a_failed_request(tmp_path: Path) -> None:
    metrics, kubeconfig = Metrics(), tmp_path / "kubeconfig"

    async def stand_by() -> str:
        server = await asyncio.start_server(_silent, LOOPBACK, 0)
        _point(kubeconfig, server.sockets[0].getsockname()[1])
        known = {"KUBECONFIG": str(kubeconfig)}
        async with server, transport.connect(metrics=metrics, environment=known) as connection:
            lock = LeaseLock(connection, "default", "one", LeaseTimings(1))
            elector = leadership.LeaderElector(lock)
            standing_by = asyncio.create_task(elector.lead(_ready))
            async with asyncio.timeout(20):
                while (trouble := elector.trouble) == "the Lease has not been read yet":
                    await asyncio.wait((standing_by,), timeout=0.01)
            await leadership.end(standing_by)
            return trouble

    assert asyncio.run(stand_by()) == "the API server did not respond in time"
    labels = {"verb": "GET", "code": "<error>"}
    assert metrics.registry.get_sample_value("imagejob_api_requests_total", labels) == 1


class _Dropping:
    """A connection that lets the Lease be taken; after that nothing gets a response."""

    def __init__(self) -> None:
        self.methods: list[str] = []

    async def send(self, method: str, _: str, body: Any, seconds: float) -> bytes:
        self.methods.append(method)
        if self.methods == ["GET"]:
            raise NotFoundError(404, "no Lease")
        if self.methods == ["GET", "POST"]:
            return msgspec.json.encode({**body, "metadata": {"name": "it", "resourceVersion": "1"}})
        await asyncio.sleep(seconds)
        raise UnreachableError("no response in time")


def test_a_leader_whose_renewals_get_no_response_gives_up() -> None:
    lock = LeaseLock(_Dropping(), "default", "one", LeaseTimings(1))  # type: ignore[arg-type]
    elector = leadership.LeaderElector(lock)

    async def lead() -> None:
        async with asyncio.timeout(20):
            await elector.lead(_forever)

    with pytest.raises(LeaseLostError, match="not renewed for"):
        asyncio.run(lead())

    assert not elector.leads


def _point(kubeconfig: Path, port: int) -> None:
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://{LOOPBACK}:{port}"}}],
        "users": [{"name": "it", "user": {"token": "any"}}],
    }
    kubeconfig.write_text(json.dumps(config))
