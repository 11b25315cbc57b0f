"""`make check` fails when a guarded property is broken: each one is broken once, in a copy."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.paths import ROOT

CACHE = ROOT / ".mypy_cache"
BREAKS = {
    # target: (file, what is added at its end, what the complaint names)
    "format": ("operator/imagejob_operator/config/settings.py", "X  =  1\n", "settings.py"),
    "lint": ("operator/imagejob_operator/config/settings.py", "import sys\n", "F401"),
    "types": ("worker/imagejob_worker/contract/order.py", 'WRONG: int = "text"\n', "assignment"),
    "layers": (
        "operator/imagejob_operator/api/quantity.py",
        "from imagejob_operator.controllers import manager  # noqa: E402, F401\n",
        "imagejob_operator.api.quantity -> imagejob_operator.controllers.manager",
    ),
    "crds": (
        "operator/imagejob_operator/api/imagestore.py",
        "class ImageStoreSpec(Resource, frozen=True):\n    more: int = 0\n",
        "more",
    ),
    "generated": ("requirements/worker.txt", "six==1.16.0\n", "requirements/worker.txt"),
    "leftovers": ("scratch.txt", "left\n", "scratch.txt"),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of this checkout that git tracks, in their own repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    names = [name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name, follow_symlinks=False)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    return tmp_path


def check(guard: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one guard there, with the environment marked as installed."""
    environment = {key: value for key, value in os.environ.items() if key != "MAKEFLAGS"}
    installed = "--assume-old=.venv/.installed"
    return subprocess.run(
        ["make", f"check-{guard}", installed],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("guard", BREAKS)
def test_a_guard_passes_as_it_is_and_fails_when_broken(guard: str, copy: Path) -> None:
    name, added, complaint = BREAKS[guard]
    if guard == "types" and CACHE.exists():  # unchanged files need no second check
        shutil.copytree(CACHE, copy / CACHE.name)
    whole = check(guard, copy)

    with (copy / name).open("a") as file:
        file.write(added)
    broken = check(guard, copy)

    assert whole.returncode == 0, whole.stdout + whole.stderr
    assert broken.returncode != 0, broken.stdout + broken.stderr
    assert complaint in broken.stdout + broken.stderr
