"""Write requirements/NAME.txt for extras of pyproject.toml, or check that they are current.

python dev/lock.py [--check] dev operator …

The first lock named is made first and constrains the others, so that a package has one version in
all of them. Pins stay as they are until a constraint in pyproject.toml forces another.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "requirements"
HEADER = "make lock"


def main() -> int:
    """0 when all is written or current, 1 when a lock is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    parser.add_argument("names", nargs="+", metavar="EXTRA")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if arguments.check else FOLDER
        if arguments.check:
            shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
        for name in arguments.names:
            compile_lock(name, folder, base=arguments.names[0])
        stale = [name for name in arguments.names if differs(name, folder)]
    for name in stale:
        print(f"requirements/{name}.txt is not what pyproject.toml asks for: run `make lock`")
    return 1 if stale else 0


def compile_lock(name: str, folder: Path, base: str) -> None:
    """Resolve one extra for every platform, with hashes and no word of where packages come from."""
    constraints = ["--constraints", f"{folder}/{base}.txt"] if name != base else []
    subprocess.run(
        [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet"),
            *("--extra", name, "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate"),
            *("--custom-compile-command", HEADER),
            *constraints,
            *("--output-file", f"{folder}/{name}.txt"),
        ],
        cwd=ROOT,
        check=True,
    )


def differs(name: str, folder: Path) -> bool:
    """Whether the committed lock is another."""
    made, committed = folder / f"{name}.txt", FOLDER / f"{name}.txt"
    return not committed.exists() or made.read_bytes() != committed.read_bytes()


if __name__ == "__main__":
    sys.exit(main())
