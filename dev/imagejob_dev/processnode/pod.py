"""One pod's life on this node: prepare, run, report; end it when asked to or at its deadline."""

from __future__ import annotations

import asyncio
import logging
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_dev.processnode import launch, status
from imagejob_dev.processnode.api import UNREACHABLE, Refused
from imagejob_dev.processnode.container import ContainerRunner
from imagejob_dev.processnode.images import Images
from imagejob_dev.processnode.reporter import Reporter
from imagejob_dev.processnode.sources import NotYet, Sources
from imagejob_dev.processnode.states import Verdict
from imagejob_dev.processnode.unsupported import unsupported

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.guard import Guard
    from imagejob_dev.processnode.api import Api, Object
    from imagejob_dev.processnode.launch import Launch, PodFolders

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.5  # for what is missing: a dev cluster's people and tests wait for it
DEFAULT_GRACE = 30.0
LOST = "The process could not be located after the node restarted"
TOO_LONG = "Pod was active on the node longer than the specified deadline"


class PodRunner:
    """Runs one pod that is bound to this node. The watch calls `update` and `vanish`."""

    def __init__(self, pod: Object, folders: PodFolders, api: Api, guard: Guard) -> None:
        self._pod = pod
        self._folders = folders
        self._api = api
        self._started = datetime.now(UTC)
        self._verdict: Verdict | None = None
        self._over = False
        self._stopping = asyncio.Event()
        self._deleted = asyncio.Event()
        self._reporter = Reporter(api, pod, self._status)
        self._containers = [
            ContainerRunner(spec, guard, self._reporter.changed)
            for spec in pod["spec"]["containers"]
        ]
        self.update(pod)  # it may be deleted already

    async def run(self) -> None:
        """From being bound until it is deleted: a pod that is over is kept for its readers."""
        if self._pod["status"].get("phase") not in ("Succeeded", "Failed"):
            reporting = asyncio.create_task(self._reporter.run())
            await self._to_its_end()
            self._clean_up()
            self._reporter.close()
            await reporting
        await self._deleted.wait()
        await self._reporter.delete()

    @property
    def logs(self) -> Path:
        return self._folders.logs

    def update(self, pod: Object) -> None:
        self._pod = pod
        if _is_deleted(pod) and not self._deleted.is_set():
            self._deleted.set()
            self._stop(float(pod["metadata"].get("deletionGracePeriodSeconds") or 0))

    def vanish(self) -> None:
        """It is gone from the API server: by force, if it still runs here."""
        self._deleted.set()
        self._stop(0)

    async def _to_its_end(self) -> None:
        if message := unsupported(self._pod):
            self._verdict = Verdict("Unsupported", f"The process node can't run this: {message}")
        elif _has_run(self._pod):
            self._verdict = Verdict("NodeRestarted", LOST)
            for container in self._containers:
                container.mark_lost(LOST, self._started)
        else:
            await self._live()
        self._over = True

    def _clean_up(self) -> None:
        """Delete its files before the pod is reported as ended: its Secrets were on the disk."""
        shutil.rmtree(self._folders.work, ignore_errors=True)

    async def _live(self) -> None:
        limit = self._pod["spec"].get("activeDeadlineSeconds")
        timer = asyncio.get_running_loop().call_later(limit, self._expire) if limit else None
        launches = await self._prepare()
        if launches and not self._stopping.is_set():
            restart = self._pod["spec"].get("restartPolicy") == "OnFailure"
            await asyncio.gather(
                *(
                    container.run(launches[container.now.name], restart_on_failure=restart)
                    for container in self._containers
                )
            )
        if timer:
            timer.cancel()

    async def _prepare(self) -> dict[str, Launch] | None:
        """What to start, once all that the pod names is there; None if it is stopped first."""
        said, images = "", Images()
        while not self._stopping.is_set():
            sources = Sources(self._api, self._pod["metadata"]["namespace"])
            try:
                return await launch.prepare(self._pod, self._folders, sources, images)
            except NotYet as missing:
                for container in self._containers:
                    container.wait_for(missing.reason, missing.message)
                if missing.message != said:
                    said = missing.message
                    await self._reporter.event(missing.event, missing.message)
            except (Refused, *UNREACHABLE) as error:  # the API server's, or the disk's
                log.info("%s waits: %r", self._pod["metadata"]["name"], error)
            await self._pause()
        return None

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), RETRY_SECONDS)
        except TimeoutError:
            return

    def _expire(self) -> None:
        self._verdict = Verdict("DeadlineExceeded", TOO_LONG)
        self._stop(float(self._pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)))

    def _stop(self, grace: float) -> None:
        self._stopping.set()
        for container in self._containers:
            container.stop(grace)

    def _status(self, before: list[Object]) -> Object:
        facts = status.Facts(
            containers=[container.now for container in self._containers],
            verdict=self._verdict,
            started=self._started,
            generation=self._pod["metadata"].get("generation"),
            over=self._over,
        )
        return status.build(facts, before, datetime.now(UTC))


def _is_deleted(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def _has_run(pod: Object) -> bool:
    """Before this runner was made, so under an earlier node program."""
    containers = pod["status"].get("containerStatuses") or []
    return any("waiting" not in container.get("state", {}) for container in containers)
