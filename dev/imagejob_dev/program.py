"""One long-running program of the cluster: started, watched, stopped, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError
from imagejob_dev.running import Running

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from imagejob_dev.guard import Guard

LAST_LINES = 25
READY_SECONDS = 60.0


class Program(Running):
    """A command whose output goes to `log`; `start` after `stop` runs the same command again."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        guard: Guard,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        grace: float = 0.0,
    ) -> None:
        self.name = log.stem
        self.log = log
        self._command = [str(part) for part in command]
        self._guard = guard
        self._ready = ready
        self._environment = {"PATH": os.defpath, "HOME": str(log.parent), **(environment or {})}
        self._grace = grace
        self._process: subprocess.Popen[bytes] | None = None
        self.seconds_to_ready = 0.0
        """Of its last start, to within a poll."""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def died(self) -> bool:
        """Whether it ended without having been stopped."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Launch it and wait until it serves."""
        began = time.monotonic()
        self.launch()
        self.wait_ready()
        self.seconds_to_ready = time.monotonic() - began

    def launch(self) -> None:
        """In a session of its own: Ctrl-C at the terminal is for the owner, who stops it."""
        if self.running:
            return
        self.stop()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._guard.watch(self._process.pid)

    def wait_ready(self) -> None:
        """A program that died, or is late, fails with the end of its log."""
        self.wait_until(self._ready, "ready")

    def wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not condition():
            if not self.running:
                raise DevError(f"{self.name} ended before it was {what}. {self.log_end()}")
            if time.monotonic() > deadline:
                raise DevError(
                    f"{self.name} was not {what} within {READY_SECONDS:.0f} s. {self.log_end()}"
                )
            time.sleep(0.03)

    def wait_ended(self) -> int:
        """Its exit code, once it has ended by itself; negative for the signal that ended it."""
        if not self._process:
            raise DevError(f"{self.name} does not run")
        try:
            return self._process.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            raise DevError(f"{self.name} has not ended. {self.log_end()}") from None

    def pause(self) -> None:
        """SIGSTOP to its group: a node that hangs, or a laptop whose lid is closed."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """After `pause`."""
        self._signal(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, as `stop` begins; `wait_ended` is for what comes of it."""
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """SIGKILL with no warning: the crash that a test wants."""
        self._signal(signal.SIGKILL)
        if self._process:
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM and its grace period, if it has one; SIGKILL to its group."""
        process, self._process = self._process, None
        if process is None:
            return
        if self._grace and process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(self._grace)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._guard.forget(process.pid)

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join([f"The end of {self.log}:", *lines[-LAST_LINES:]])
