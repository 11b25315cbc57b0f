"""The operator or the gateway, killed at fail points: before, during or after an outside effect,
life after life.

    python tests/support/failing_program.py imagejob_operator.__main__ PLAN REPORT

PLAN is a JSON list of fail points, one for each life; the life after the last is not killed. REPORT
gets a line of JSON for each life as it ends. The program itself is unchanged: its imports happen
once, each life is a fork that runs its ordinary `main`, and the effects are methods that the fork
wraps. So a restart costs only the program's own start.

A life that never reaches its fail point continues to work: nothing hangs, and the report is shorter
than the plan. SIGTERM ends the current life, as a kubelet would, and the program with it.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

KILLED = "killed"
Moment: TypeAlias = Literal["before", "during", "after"]


class FailPoint(msgspec.Struct, frozen=True):
    """`moment` of the `occurrence`-th call (from 1) in one life of a method `of` a class, which is
    written as `module:Class`.

    `after` is after the call has succeeded, and before the program hears of it. A rejected call has
    no effect: the next successful one counts instead. `during` is after the first item of the
    iterator that is the last argument.
    """

    effect: str
    moment: Moment
    of: str
    occurrence: int = 1


class Life(msgspec.Struct, frozen=True):
    """How a life ended: `killed` at its fail point, or otherwise."""

    point: FailPoint | None
    outcome: str


@dataclass
class Arm:
    """Ends this process at a fail point."""

    point: FailPoint
    calls: int = 0

    def set_up(self) -> None:
        module, _, name = self.point.of.partition(":")
        kind = getattr(importlib.import_module(module), name)
        effect = getattr(kind, self.point.effect)

        async def failing(its: Any, *arguments: Any, **options: Any) -> Any:
            self.calls += 1
            due = self.calls >= self.point.occurrence
            if due and self.point.moment == "before":
                _die()
            if due and self.point.moment == "during":
                arguments = (*arguments[:-1], _dying(arguments[-1]))
            answer = await effect(its, *arguments, **options)
            if due:
                _die()
            return answer

        setattr(kind, self.point.effect, failing)


def main(program: str, plan: Path, report: Path) -> None:
    """Run life after life, until SIGTERM."""
    points = msgspec.json.decode(plan.read_bytes(), type=list[FailPoint])
    run = importlib.import_module(program).main
    signal.signal(signal.SIGTERM, _end)
    gc.freeze()  # otherwise the first collection of each life would copy what all of them share
    with report.open("ab", buffering=0) as lines:
        for point in [*points, None]:
            outcome = _live(point, run)
            lines.write(msgspec.json.encode(Life(point, outcome)) + b"\n")


def lives(report: Path) -> list[Life]:
    """The lives in a report."""
    return [msgspec.json.decode(line, type=Life) for line in report.read_bytes().splitlines()]


def _live(point: FailPoint | None, run: Callable[[], int]) -> str:
    """Run one life of the program, from its start to its end."""
    child = os.fork()
    if child == 0:
        _be(point, run)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return KILLED if code == -signal.SIGKILL else f"ended with {code}"


def _be(point: FailPoint | None, run: Callable[[], int]) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    code = 1
    try:
        if point:
            Arm(point).set_up()
        code = run()
    finally:
        os._exit(code)  # whatever happened: the child must never continue as the parent


def _end(*_: object) -> NoReturn:
    """Pass it to the current life, and wait for its end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    os.wait()
    sys.exit(0)


async def _dying(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
        _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
