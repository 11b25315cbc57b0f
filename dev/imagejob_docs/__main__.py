"""Write the pages and diagrams that are made from the code, or check that they are current.

python -m imagejob_docs [--check]
"""

from __future__ import annotations

import argparse
import json
import sys

from imagejob_gateway.http.app import document

from imagejob_docs import reference, states

DOCS = reference.ROOT / "docs"


def main() -> int:
    """0 when all is written or current, 1 when something is stale."""
    parser = argparse.ArgumentParser(prog="python -m imagejob_docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    arguments = parser.parse_args()

    made = {DOCS / "reference" / name: text for name, text in reference.pages().items()}
    made[DOCS / "images" / "states.svg"] = states.drawing()
    made[DOCS / "openapi.json"] = json.dumps(document(), indent=1, sort_keys=True) + "\n"
    known = set((DOCS / "reference").glob("*.md"))
    stale = [file for file, text in made.items() if not file.exists() or file.read_text() != text]
    orphans = sorted(known - set(made))
    if arguments.check:
        for file in [*stale, *orphans]:
            print(f"{file.relative_to(reference.ROOT)} is not current: run `make generate`")
        return 1 if stale or orphans else 0
    for file in stale:
        file.parent.mkdir(exist_ok=True)
        file.write_text(made[file])
    for file in orphans:
        file.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
