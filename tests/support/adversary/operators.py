"""The operators of a whole session: two, of which one or both run; killed, paused, restarted."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from support.replicas import Replica

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

OK = 200
MAX_WORKERS = 4
SETTINGS = {
    "leader_election": "false",
    "max_workers": str(MAX_WORKERS),
    "backoff_seconds": "1",
    "log_level": "WARNING",
}


class Operators:
    """Without a leader: even if both decide at once, it must be right."""

    def __init__(self, cluster: Client, prefix: str = "adversary") -> None:
        self.replicas = [Replica(cluster, f"{prefix}-{name}", **SETTINGS) for name in "ab"]
        self.memory: dict[str, int] = {}
        self.kills = 0

    @property
    def programs(self) -> list[Program]:
        return [replica.program for replica in self.replicas]

    @property
    def logs(self) -> list[Path]:
        return [program.log for program in self.programs if program.log.exists()]

    def ready(self) -> None:
        """The first one runs, and says so."""
        for program in self.programs:
            program.resume()
        self.programs[0].launch()
        self.programs[0].wait_until(lambda: self.replicas[0].ready.status == OK, "ready")

    def kill(self, which: int) -> None:
        """Send SIGKILL and restart it immediately, as a kubelet would."""
        self.measure()
        program = self.programs[which % 2]
        if program.running:
            program.kill()
            program.launch()
            self.kills += 1

    def toggle(self) -> None:
        """Start or stop the second one."""
        self.measure()
        second = self.programs[1]
        if second.running:
            second.resume()  # a paused process would not notice the signal
            second.stop()
        else:
            second.launch()

    def pause(self, which: int) -> None:
        self.programs[which % 2].pause()

    def resume(self) -> None:
        for program in self.programs:
            program.resume()

    def measure(self) -> dict[str, int]:
        """The largest resident set of each life so far, as the kernel reports it."""
        for program in self.programs:
            if program.running and program.pid:
                key = f"{program.name}, process {program.pid}"
                self.memory[key] = max(self.memory.get(key, 0), _most_resident(program.pid))
        return self.memory

    def measured(self) -> dict[str, int]:
        """The same; lives that have ended are forgotten."""
        self.measure()
        known, self.memory = self.memory, {}
        return known

    def stop(self) -> None:
        self.resume()
        for program in self.programs:
            program.stop()


@contextmanager
def working(cluster: Client) -> Iterator[Operators]:
    operators = Operators(cluster)
    try:
        operators.ready()
        yield operators
    finally:
        operators.stop()


def _most_resident(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0
