"""Make any Python image fit to be the base of ours: nothing that installs, and compiled.

    python base.py      as root, in the image

Its pip is removed: an image that can install packages helps an attacker. And its standard library
is compiled: a root file system that is read-only keeps no bytecode, and an image may come without
(python:slim does); each start would compile it again.
"""

from __future__ import annotations

import compileall
import re
import shutil
import site
import sys
import sysconfig
from pathlib import Path

INSTALLERS = ("pip", "setuptools", "wheel", "pkg_resources", "_distutils_hack", "ensurepip")
UNUSED = re.compile(
    r"/(test|tests|idlelib|lib2to3|tkinter|turtledemo|site-packages|dist-packages)/"
)


def main() -> int:
    """0 if all could be compiled."""
    library = Path(sysconfig.get_path("stdlib"))
    for folder in {library, *map(Path, site.getsitepackages()), *map(Path, sys.path)}:
        for name in INSTALLERS:
            for found in (folder / name, *folder.glob(f"{name}-*.*-info")):
                shutil.rmtree(found, ignore_errors=True)
    shutil.rmtree("/usr/share/python-wheels", ignore_errors=True)  # Debian's copies of them
    for folder in map(Path, ("/usr/bin", "/usr/local/bin")):
        for program in (*folder.glob("pip*"), *folder.glob("wheel*")):
            program.unlink()
    return 0 if compileall.compile_dir(library, quiet=1, rx=UNUSED) else 1


if __name__ == "__main__":
    sys.exit(main())
