"""Those who are compared with: there, in the versions that are pinned, or it is said what to do."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

from imagebench.warm import SHARP

NODE = (20, 9)


class MissingError(Exception):
    """Something that the benchmark needs isn't there; the message says how to get it."""


def prepare() -> None:
    """See that all are there. Installs sharp by `npm ci` if its lock file is newer."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise MissingError("node and npm are missing: install Node.js 20.9 or newer, with npm")
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True)
    if tuple(map(int, version.stdout.strip("v\n").split(".")[:2])) < NODE:
        raise MissingError(f"node {version.stdout.strip()} is too old: sharp needs 20.9 or newer")
    if importlib.util.find_spec("pyvips") is None:
        raise MissingError(f"pyvips is missing: {sys.executable} -m pip install -e '.[bench]'")
    _install_sharp()


def _install_sharp() -> None:
    lock, installed = SHARP / "package-lock.json", SHARP / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=SHARP, check=False)
    if done.returncode:
        raise MissingError(f"sharp can't be installed: npm ci in {SHARP} failed, see above")
    installed.touch()
