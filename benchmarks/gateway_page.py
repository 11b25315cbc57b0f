"""`make proof-gateway-page`: does the example page upload in a real browser?

Chromium loads examples/gateway/upload.html from a web server, and uploads three files by slots,
with PUT and with forms, to a bucket with the CORS rules of docs/gateway.md: two pictures, whose
outputs it has to show, and what is none. A page that the rules don't name has to say so. In every
run of the tests, node runs the page's script (tests/cluster/behaviour/test_gateway_slots.py).

Exit code: 0 it does, 1 it does not, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from proofs import gateway_page, record
from proofs.chromium import NoChromiumError


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with TemporaryDirectory(prefix="proof-gateway-page-") as name:
            found = gateway_page.uploaded(Path(name))
    except (NoChromiumError, DevError) as error:
        print(f"proof-gateway-page: {error}", file=sys.stderr)
        return CANNOT
    figures = {"chromium": found.browser, "shown": found.shown, "wrong": list(found.wrong)}
    record.write(options.json, figures)
    for each in found.wrong:
        print(each)
    print(f"{sum(map(len, found.shown.values()))} uploads, {len(found.wrong)} wrong")
    return MISSED if found.wrong else MET


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=record.RECORDS / "gateway-page.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
