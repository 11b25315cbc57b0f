"""Take out of an image's environment all of `kubernetes` but the asynchronous client.

    python prune_to_client.py SITE-PACKAGES       before prune.py

The gateway, which has no kopf, uses `kubernetes.aio.client` and `.config`, which use `.utils`.
Importing them runs `kubernetes/__init__.py` and `kubernetes/aio/__init__.py`, which load everything
else: a third of a second of each start. Without these two files, both are namespace packages.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

ABOVE = ("aio",)
KEPT = ("client", "config", "utils")


def main() -> int:
    """0; what went is printed."""
    (site,) = sys.argv[1:]
    package = Path(site) / "kubernetes"
    gone = [
        *(each for each in package.iterdir() if each.name not in ABOVE),
        *(each for each in (package / "aio").iterdir() if each.name not in KEPT),
    ]
    for each in gone:
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()
    print(f"kubernetes: {len(gone)} files and folders beside the asynchronous client are gone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
