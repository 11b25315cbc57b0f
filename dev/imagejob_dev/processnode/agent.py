"""Follows the pods bound to this node and gives each one a runner."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections import deque
from typing import TYPE_CHECKING

from imagejob_dev.processnode.api import FIRST_RETRY, LAST_RETRY, UNREACHABLE, Refused
from imagejob_dev.processnode.launch import PodFolders
from imagejob_dev.processnode.pod import PodRunner

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.guard import Guard
    from imagejob_dev.processnode.api import Api, Object

log = logging.getLogger(__name__)

PODS = "/api/v1/pods?fieldSelector=spec.nodeName%3D"
KEPT_LOGS = 1000  # folders of pods that are gone; older ones make room


class WatchEnded(Exception):  # noqa: N818 (it happens every few minutes)
    """The watch can't continue from its version: list again."""


class Agent:
    """`folder` is the cluster's: pods' logs go to `pods/`, what lives with a pod to `work/`."""

    def __init__(self, api: Api, folder: Path, guard: Guard, node: str) -> None:
        self._api = api
        self._pods = PODS + node
        self._folder = folder
        self._guard = guard
        self._runners: dict[str, PodRunner] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._old_logs: deque[Path] = deque()

    async def follow(self) -> None:
        """List, then watch, until cancelled; list again when the watch can't continue."""
        delay = FIRST_RETRY
        while True:
            try:
                version = await self._list()
                delay = FIRST_RETRY
                while True:
                    version = await self._watch(version)
            except WatchEnded as ended:
                log.info("listing again: %s", ended)
            except (Refused, *UNREACHABLE) as error:
                log.info("the API server is away: %r", error)
                await asyncio.sleep(delay)
                delay = min(LAST_RETRY, delay * 2)

    async def _list(self) -> str:
        """List all pods of the node; return the list's resourceVersion."""
        listing = await self._api.get(self._pods)
        found = {pod["metadata"]["uid"]: pod for pod in listing.get("items") or []}
        for uid in set(self._runners) - set(found):
            self._deleted(uid)
        for pod in found.values():
            self._seen(pod)
        version: str = listing["metadata"]["resourceVersion"]
        return version

    async def _watch(self, version: str) -> str:
        """Watch until the server ends it; return the last resourceVersion."""
        async for event in self._api.watch(self._pods, version):
            pod, kind = event["object"], event["type"]
            if kind == "ERROR":
                raise WatchEnded(pod.get("message"))
            version = pod["metadata"]["resourceVersion"]
            if kind == "DELETED":
                self._deleted(pod["metadata"]["uid"])
            elif kind != "BOOKMARK":
                self._seen(pod)
        return version

    def _seen(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if runner := self._runners.get(uid):
            runner.update(pod)
            return
        folders = self._folders(pod)
        runner = self._runners[uid] = PodRunner(pod, folders, self._api, self._guard)
        task = asyncio.create_task(runner.run(), name=f"pod {pod['metadata']['name']}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _deleted(self, uid: str) -> None:
        if runner := self._runners.pop(uid, None):
            runner.vanish()
            self._forget_logs(runner.logs)

    def _folders(self, pod: Object) -> PodFolders:
        metadata = pod["metadata"]
        return PodFolders(
            work=self._folder / "work" / metadata["uid"],
            logs=self._folder / "pods" / metadata["namespace"] / metadata["name"],
        )

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s: a fault of the process node", task.get_name(), exc_info=error)

    def _forget_logs(self, folder: Path) -> None:
        """The logs of a pod that is gone stay for a while, so that hours of pods fill no disk."""
        self._old_logs.append(folder)
        if len(self._old_logs) > KEPT_LOGS:
            shutil.rmtree(self._old_logs.popleft(), ignore_errors=True)
