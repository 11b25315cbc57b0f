"""What `make bench-worker` concludes from its figures, and says about missing ones."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from types import ModuleType

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("imagebench.figures")


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    return import_module("worker")


def comparison(figures: ModuleType, **values: float) -> Any:
    """Ours against one other; `values` are the targets' values, each with the limit 1."""
    rows = [
        figures.Row("imagejob", [0.1, 0.2, 0.9], 30 << 20),
        figures.Row("other", [0.4, 0.4, 0.4], 40 << 20, {"other": "1.0"}),
    ]
    targets = [figures.Target(what, value, 1.0) for what, value in values.items()]
    return figures.Comparison("small", "a comparison", ["a note"], rows, targets)


def test_a_target_is_met_up_to_its_limit(figures: ModuleType) -> None:
    assert figures.Target("x", 1.1, 1.1).met
    assert not figures.Target("x", 1.11, 1.1).met


def test_a_side_is_judged_by_its_median(figures: ModuleType) -> None:
    assert figures.Row("x", [0.1, 0.2, 0.9], 0).median == pytest.approx(0.2)


def test_a_table_has_a_line_a_side_with_our_ratio(figures: ModuleType) -> None:
    show = import_module("imagebench.show")

    lines = list(show.lines(comparison(figures, cpu=0.5)))

    assert "   other: other 1.0" in lines
    assert lines[-4].split() == ["imagejob", "200.0", "100.0-900.0", "30.0"]
    assert lines[-3].split() == ["other", "400.0", "400.0-400.0", "0.50", "x", "40.0"]
    assert lines[-2] == "   met    cpu: 0.50 x, limit 1"


@pytest.mark.parametrize(
    ("values", "code", "verdict"),
    [
        ({"cpu": 0.5, "memory": 1.0}, 0, "all targets met (small 0.50 x, 1.00 x)"),
        ({"cpu": 0.5, "memory": 1.5}, 1, "1 of 2 targets missed (small 0.50 x, 1.50 x)"),
    ],
    ids=["all met", "one missed"],
)
def test_the_last_line_and_the_exit_code_show_the_verdict(
    worker: ModuleType,
    figures: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    values: dict[str, float],
    code: int,
    verdict: str,
) -> None:
    path = tmp_path / "new" / "figures.json"

    assert worker.conclude([comparison(figures, **values)], path) == code
    assert capsys.readouterr().out.splitlines()[-1] == f"bench-worker: {verdict}"
    written = json.loads(path.read_text())
    assert written["met"] is (code == 0)
    assert [target["met"] for target in written["comparisons"][0]["targets"]] == [
        value <= 1 for value in values.values()
    ]


def test_a_rival_that_is_missing_is_an_error_that_says_what_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "worker.py"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "node and npm are missing: install Node.js 20.9 or newer" in done.stderr
