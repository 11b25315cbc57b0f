"""What `make bench-waiting` computes, judges and prints."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("waiting")


def growth(*cpu: float, calm_cpu: float = 0.6, shown: int | None = None) -> Any:
    """A queue that grew by 1,000 per step, with that much CPU time each, then a minute's calm."""
    lines, requests = import_module("waitbench.lines"), import_module("waitbench.requests")
    writes = requests.Writes(1000, 1000, 0, 0)
    steps = [
        lines.Step(1000 * number, 1000, seconds, 9.0, writes)
        for number, seconds in enumerate(cpu, 1)
    ]
    calm = lines.Calm(60.0, calm_cpu, requests.Writes(0, 0, 0, 0), 100 << 20, 120 << 20)
    return lines.Growth(steps, calm, 1000 * len(cpu) if shown is None else shown)


def missed(waiting: ModuleType, found: Any) -> list[str]:
    costs = list(waiting.costs.of_growth(found))
    return [cost.target.what for cost in costs if cost.target and not cost.target.met]


def test_a_line_that_costs_the_same_however_long_it_is_meets_all_targets(
    waiting: ModuleType,
) -> None:
    assert missed(waiting, growth(4.0, 4.4)) == []


MISSES: dict[str, tuple[tuple[float, ...], dict[str, Any], str]] = {
    "a longer line is dearer": (
        (4.0, 6.1), {}, "operator's CPU per ImageJob, line of 1,000 to 2,000, growth",
    ),
    "it is busy while nothing changes": (
        (4.0,), {"calm_cpu": 3.1}, "operator's CPU while 1,000 wait and nothing changes",
    ),
    "one tells no place": (
        (4.0,), {"shown": 999}, "ImageJobs that tell no place in the end",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cpu", "more", "expected"), MISSES.values(), ids=MISSES)
def test_a_target_is_missed(
    waiting: ModuleType, cpu: tuple[float, ...], more: dict[str, Any], expected: str
) -> None:
    assert missed(waiting, growth(*cpu, **more)) == [expected]


def test_refreshes_are_compared_with_updating_all_at_each_admission(waiting: ModuleType) -> None:
    """4 wait, 2 an hour: the last two move up once, and their waiting times are halved."""
    told = waiting.foretold.in_batches(4, "2/1h")
    cost = waiting.costs.of_told(told, "2/1h")

    assert (told.admissions, told.refreshes, told.naive) == (2, 2, 2)
    assert cost.value == 0.5
    assert cost.ratio == 1.0


@pytest.mark.parametrize(
    ("cpu", "code", "verdict"),
    [
        ((4.0, 4.0), 0, "bench-waiting: all 6 targets met"),
        ((4.0, 8.0), 1, "bench-waiting: 1 of 6 targets missed"),
    ],
    ids=["all met", "one missed"],
)
def test_the_last_line_and_the_exit_code_show_the_verdict(
    waiting: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cpu: tuple[float, ...],
    code: int,
    verdict: str,
) -> None:
    path = tmp_path / "new" / "figures.json"
    costs = list(waiting.costs.of_growth(growth(*cpu)))

    assert waiting.conclude(costs, path, ["a machine", "the same, later"]) == code
    assert capsys.readouterr().out.splitlines()[-1].startswith(verdict)
    written = json.loads(path.read_text())
    assert written["met"] is (code == 0)
    assert written["costs"][0]["value"] == 2.0
