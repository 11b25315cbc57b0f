"""Runs one container of a pod: again and again if its pod wants that, until it is over."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from imagejob_dev.processnode import termination
from imagejob_dev.processnode.process import Process
from imagejob_dev.processnode.states import Container, Running, Terminated, Waiting, exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagejob_dev.guard import Guard
    from imagejob_dev.processnode.api import Object
    from imagejob_dev.processnode.launch import Launch
    from imagejob_dev.processnode.states import State

START_ERROR = 128  # the exit code of a container that could not be started
LOST = 137
FIRST_BACKOFF, LAST_BACKOFF = 10.0, 300.0


class ContainerRunner:
    """`now` is the container as it stands; each change of it calls `changed`."""

    def __init__(self, spec: Object, guard: Guard, changed: Callable[[], None]) -> None:
        self.now = Container(spec["name"], spec.get("image", ""))
        self._guard = guard
        self._changed = changed
        self._stopping = asyncio.Event()
        self._process: Process | None = None

    async def run(self, launch: Launch, *, restart_on_failure: bool) -> None:
        """Returns once it is over for good. The first restart is at once, as on a kubelet."""
        backoff = 0.0
        while True:
            ended = await self._run_once(launch)
            self._become(ended)
            if ended.exit_code == 0 or not restart_on_failure or self._stopping.is_set():
                return
            if backoff:
                message = f"back-off {backoff:.0f}s restarting failed container"
                self._become(Waiting("CrashLoopBackOff", message), last=ended)
            await self._pause(backoff)
            if self._stopping.is_set():
                self._become(ended)
                return
            self.now = replace(self.now, last=ended, restarts=self.now.restarts + 1)
            backoff = min(LAST_BACKOFF, backoff * 2) or FIRST_BACKOFF

    def wait_for(self, reason: str, message: str) -> None:
        """Something that it needs is missing."""
        self._become(Waiting(reason, message))

    def mark_lost(self, message: str, now: datetime) -> None:
        """How it ended is unknown; a kubelet writes the same."""
        self._become(Terminated(LOST, "ContainerStatusUnknown", message, now, now, pid=0))

    def stop(self, grace: float) -> None:
        """SIGTERM now and SIGKILL after `grace`. Of several calls the earliest SIGKILL counts."""
        self._stopping.set()
        if self._process:
            self._process.terminate()
            asyncio.get_running_loop().call_later(grace, self._process.kill)

    async def _run_once(self, launch: Launch) -> Terminated:
        started = _now()
        launch.message_file.write_bytes(b"")
        try:
            self._process = process = Process(launch, self._guard)
        except (OSError, ValueError) as error:  # no such program, too long, a NUL in a value
            message = f"failed to start {launch.command[0]!r}: {error}"
            return Terminated(START_ERROR, "StartError", message, started, _now(), pid=0)
        self._become(Running(started, process.pid))
        code = exit_code(await process.wait())
        self._process = None
        reason = "Error" if code else "Completed"
        from_log = bool(code) and launch.message_from_log
        message = termination.message(launch.message_file, launch.log, from_log=from_log)
        return Terminated(code, reason, message, started, _now(), process.pid)

    def _become(self, state: State, last: Terminated | None = None) -> None:
        self.now = replace(self.now, state=state, last=last or self.now.last)
        self._changed()

    async def _pause(self, seconds: float) -> None:
        """Until `seconds` have passed or it is to stop."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return


def _now() -> datetime:
    return datetime.now(UTC)
