"""One container's process: started in a group of its own, awaited, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagejob_dev.guard import Guard
    from imagejob_dev.processnode.launch import Launch

NICENESS = 10


class Process:
    """Started when made; OSError or ValueError if it can't be. `guard` kills it with the node."""

    def __init__(self, launch: Launch, guard: Guard) -> None:
        with launch.log.open("ab") as output:
            self._process = subprocess.Popen(
                launch.command,
                env=launch.environment,
                cwd=launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.pid = self._process.pid
        # A node has reserved something for the cluster's own programs; here all share the machine.
        os.setpriority(os.PRIO_PROCESS, self.pid, NICENESS)
        self._guard = guard
        guard.watch(self.pid)

    async def wait(self) -> int:
        """Its return code. What it leaves behind in its group dies with it, as in a container."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        pidfd = os.pidfd_open(self.pid)
        loop.add_reader(pidfd, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)
        self.kill()  # before it is reaped: until then no other process can have its PID
        self._guard.forget(self.pid)
        return self._process.wait()

    def terminate(self) -> None:
        """SIGTERM to it alone, as a container runtime does: its children are its own business."""
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its whole group."""
        if self._process.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
