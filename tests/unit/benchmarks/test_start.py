"""What `make bench-start` concludes, and how it runs an image."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from support.paths import ROOT

BENCHMARKS = ROOT / "benchmarks"
CONFIG = {"Entrypoint": ["python", "-m", "imagejob_worker"], "Env": ["PATH=/opt/imagejob/bin"]}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Any:
    """benchmarks/start.py; its module must not hide a standard one of the same name."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(BENCHMARKS)])
    return import_module("start")


@pytest.fixture
def contained(start: Any) -> Any:
    return start.contained


@pytest.mark.parametrize(("image", "met"), [(0.129, True), (0.131, False)])
def test_the_image_may_take_a_third_longer(start: Any, image: float, met: bool) -> None:  # noqa: FBT001
    part = start.report({"venv": [0.1] * 3, "image": [image] * 3, "nothing": [0.02] * 3})

    (target,) = part.targets
    assert target.met is met
    assert target.value == pytest.approx(image / 0.1)


def test_the_cost_of_any_container_is_separate(start: Any) -> None:
    part = start.report({"venv": [0.1] * 3, "image": [0.13] * 3, "nothing": [0.02] * 3})

    assert part.notes == [
        "without what any container costs, the image takes 1.10 x the venv's time"
    ]


def test_a_container_is_as_hardened_as_a_worker_pod(contained: Any, tmp_path: Path) -> None:
    spec = contained.specification(CONFIG, "/rootfs", tmp_path, {"IMAGEJOB_ORDER": "e30="})
    command = contained.Bundle(tmp_path, spec).command("worker")

    written = json.loads((tmp_path / "worker" / "config.json").read_text())
    assert command == ["runc", "run", "--bundle", str(tmp_path / "worker"), "worker"]
    assert written["process"]["args"] == CONFIG["Entrypoint"]
    assert written["process"]["env"] == ["PATH=/opt/imagejob/bin", "IMAGEJOB_ORDER=e30="]
    assert written["process"]["user"] == {"uid": 65532, "gid": 65532}
    assert "capabilities" not in written["process"]
    assert written["root"] == {"path": "/rootfs", "readonly": True}
