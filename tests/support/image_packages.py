"""The packages of the gateway's image, without building it: this environment's, pruned alike."""

from __future__ import annotations

import compileall
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT

IMAGE = ROOT / "dev" / "image"


def gateway_packages(folder: Path) -> list[str]:
    """Make them below `folder`; return the paths where a Python finds them, and our code.

    The package `kubernetes` is copied and pruned, all others are links to this environment's.
    """
    found = importlib.util.find_spec("kubernetes")
    assert found
    assert found.origin
    package = Path(found.origin).parent
    site = folder / "site"
    site.mkdir(parents=True)
    for each in package.parent.iterdir():
        if each.name != package.name and each.suffix != ".pth":
            (site / each.name).symlink_to(each)
    shutil.copytree(package, site / package.name, ignore=lambda *_: {"__pycache__"})
    _prune(site)
    compileall.compile_dir(site / package.name, quiet=1)
    judge = Path("imagejob_worker/storage/addresses.py")
    (site / judge.parent).mkdir(parents=True)
    (site / judge).symlink_to(ROOT / "worker" / judge)
    return [str(site), *(str(ROOT / each) for each in ("operator", "gateway"))]


def arguments(paths: list[str], code: str) -> list[str]:
    """Return those of a Python that runs the code with these paths, and no others of packages."""
    return ["-S", "-c", f"import sys; sys.path[:0] = {paths!r}\n{code}"]


def _prune(site: Path) -> None:
    """In the order of the Dockerfile; what botocore has of other services costs no time."""
    subprocess.run([sys.executable, IMAGE / "prune_to_client.py", site], check=True)
    for options in ([], ["--check"]):
        subprocess.run([sys.executable, IMAGE / "prune.py", *options, site], check=True)
