"""Examines the image that it runs in, and reports as JSON in the termination message.

A container runs its text with `python -c`: it uses only the standard library.
"""

from __future__ import annotations

import importlib.util
import json
import os
import pkgutil
import shutil
import sys
import sysconfig
from pathlib import Path

OURS = Path("/opt/imagejob")
INSTALLERS = ("pip", "pip3", "gcc", "cc", "c++", "clang", "make", "ld")
PROGRAMS = {"kubernetes.leaderelection.example"}
"""Modules that run something when they are imported."""


def main() -> None:
    """Write the report."""
    packages = ["imagejob_worker", "imagejob_gateway", "kubernetes"]
    # The gateway's image holds the operator's code as a whole, also what needs kopf.
    packages += ["imagejob_operator", "kopf"] if has("kopf") else []
    found = {
        "user": os.getuid(),
        "writable": [path for path in ("/", "/tmp", "/opt/imagejob") if writable(path)],
        "installers": [name for name in INSTALLERS if shutil.which(name)],
        "importable": [name for name in ("pip", "ensurepip", "setuptools") if has(name)],
        "uncompiled": [str(file) for file in sources() if not compiled(file)][:10],
        "broken": sorted(broken(packages))[:10],
        "modules": len(sys.modules),
        "megabytes": round((size(OURS) + bytecode_of_the_library()) / 1e6, 1),
    }
    Path("/dev/termination-log").write_text(json.dumps(found))


def writable(folder: str) -> bool:
    """Whether a file can be created there."""
    file = Path(folder, "made-by-a-test")
    try:
        file.touch()
        file.unlink()
    except OSError:
        return False
    return True


def has(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def sources() -> list[Path]:
    return [file for file in OURS.rglob("*.py") if file.stat().st_size]


def compiled(file: Path) -> bool:
    return Path(importlib.util.cache_from_source(str(file))).exists()


def broken(packages: list[str]) -> list[str]:
    """Every module that can't be imported, in the packages that exist."""
    wrong = []
    for name in filter(has, packages):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=wrong.append):
            try:
                importlib.import_module(module.name)
            except Exception as error:  # noqa: BLE001 (whatever it is, it is what this is to find)
                wrong.append(f"{module.name}: {error!r}")
    return [each for each in wrong if each.partition(":")[0] not in PROGRAMS]


def size(folder: Path) -> int:
    """The total bytes of all files below."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if file.is_file())


def bytecode_of_the_library() -> int:
    library = Path(sysconfig.get_path("stdlib"))
    return sum(file.stat().st_size for file in library.rglob("__pycache__/*.pyc"))


main()
