"""The benchmark of a burst runs to its end with every side, so that it works when it is needed.

Its figures mean nothing at this size: targets are not checked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.paths import ROOT

BENCHMARK = ROOT / "benchmarks" / "operator.py"
MET, MISSED = 0, 1
SECONDS = 600

pytestmark = pytest.mark.laptop  # it creates its own control planes


def test_a_short_burst_is_finished_by_every_side(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, BENCHMARK, "--quick", "--only", "burst", "--json", figures],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode in (MET, MISSED), done.stderr
    runs = json.loads(figures.read_text())["parts"]["burst"]["figures"]["runs"]
    assert list(runs) == ["imagejob", "kopf", "bare Jobs"]
    assert all(run["count"] == 100 for (run,) in runs.values())
