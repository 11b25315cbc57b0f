"""The proofs of benchmarks/ hold at a reduced size, too: `make proof-crds` and others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
SECONDS = 420

pytestmark = pytest.mark.laptop  # they create their own control planes


def proof(name: str, figures: Path, *arguments: str) -> dict[str, Any]:
    """The proof's output. It exits with 0 only if everything holds."""
    done = subprocess.run(
        [sys.executable, BENCHMARKS / name, *arguments, "--json", figures],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(figures.read_text())
    return found


def test_kinds_are_watched_soon_after_their_crds_are_there(tmp_path: Path) -> None:
    found = proof("crds.py", tmp_path / "crds.json", "--before", "3", "--remade", "3")

    assert found["operatorStartedBefore"]["worst"] <= found["within"]
    assert found["crdsRemade"]["worst"] <= found["within"]


def test_large_objects_cost_little_memory(tmp_path: Path) -> None:
    """Their total size alone is more than that, even before decoding."""
    most, file = 45, tmp_path / "memory.json"
    found = proof("memory.py", file, "--count", "240", "--most", str(most), "--slack", "30")

    assert found["rawMiB"] > 1.2 * most


def test_a_start_asks_nothing_for_each_idle_namespace(tmp_path: Path) -> None:
    """Only requests are judged: what a start takes is measured where nothing else runs."""
    sizes = ("--namespaces", "60", "--unfinished", "120", "--trials", "1")
    found = proof("operator_start.py", tmp_path / "start.json", *sizes, "--untimed")

    assert len(found["starts"]["unfinished"]) == 1


def test_every_promise_is_kept_while_the_api_server_fails_in_every_way(tmp_path: Path) -> None:
    figures = tmp_path / "bad-api.json"
    found = proof("bad_api.py", figures, "--minutes", "1", "--count", "100", "--seed", "2")

    assert found["broken"] == {}
    assert found["charges"] == 100
    assert sum(found["faults"].values()) >= 100


def test_photos_of_phones_work_at_the_default_limits_and_memory(tmp_path: Path) -> None:
    found = proof("phones.py", tmp_path / "phones.json", "--only", "200 MP, progressive, 4:4:4")

    assert found["wrong"] == []
    sizes = [each["size"] for each in found["photos"]["200 MP, progressive, 4:4:4: reduced"]]
    assert sizes == ["standard", "large"]


def test_many_large_uploads_at_once_take_the_gateway_little(tmp_path: Path) -> None:
    """CPU is judged generously: other tests run beside it."""
    sizes = ("--count", "40", "--most-times", "3")
    found = proof("gateway_load.py", tmp_path / "load.json", *sizes)

    assert found["wrong"] == []
    assert found["peakMiB"] <= 200


def test_every_frame_shows_what_it_should(tmp_path: Path) -> None:
    """The unit tests have the same without Chromium, which is not everywhere."""
    found = proof("films.py", tmp_path / "films.json", "--each", "12", "--no-chromium")

    assert (found["films"], found["wrong"]) == (36, [])
