"""The gateway keeps to its OpenAPI document: `make proof-gateway-fuzz` at a reduced size."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CASES = 300
SECONDS = 300

pytestmark = pytest.mark.laptop  # it creates its own cluster


def test_every_check_of_schemathesis_holds(tmp_path: Path) -> None:
    figures = tmp_path / "fuzz.json"
    sizes = ("--cases", str(CASES), "--examples", "12")
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks/gateway_fuzz.py", *sizes, "--json", figures],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    found = json.loads(figures.read_text())
    assert found["cases"] >= CASES
    assert not any(status.startswith("5") for status in found["byStatus"])
    assert len(found["byOperation"]) >= 12
