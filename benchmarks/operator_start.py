"""`make proof-start`: what does a start cost among a thousand namespaces, and who waits for it?

On a control plane of its own, with kwok as the node. An operator is started in each of these
situations, with an ImageJob that is there and another that comes as soon as it is ready, each in a
namespace that had none before. The first three take turns, so that a machine that becomes slower
slows all of them; then come the others:

1. empty: there is nothing else but a thousand namespaces, which the operator does not look at
2. idle: they have an ImageQuota each that no operator has met, and no ledger
3. again: the same, after the operator has written their statuses
4. unfinished: they have five unfinished ImageJobs each, and no ledger
5. ledgers: all have finished, and each namespace has its ledger

Exit code: 0 all targets met, 1 one missed, 2 can't be tried here (the message says why).
"""

from __future__ import annotations

import sys

# First on the path, this folder's operator.py would shadow the standard library's `operator`.
sys.path.append(sys.path.pop(0))

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from imagebench.machine import CANNOT, MET, MISSED
from imagejob_dev.errors import DevError
from operatorbench import crowd, sides
from operatorbench.figures import MIB, Target
from proofs import record, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operatorbench.plane import Plane
    from proofs.start import Start

GETS = 20
"""Reads of a start, whatever there is, but for what the two ImageJobs need: one each."""

IMAGE_JOBS = 2
"""Those whose worker Jobs are timed."""

FIRST_PAGES, PAGE = 3, 500
"""Pages grow to so many objects, and the first ones are smaller."""

RATIO, FIRST_SECONDS = 1.5, 5.0

OVERTAKEN = 10
"""Statuses of ImageQuotas that may be written between an ImageJob and its worker Job."""

Found = Mapping[str, Sequence["Start"]]


def main() -> int:
    """Try it, and write down what came of it."""
    options = _options()
    try:
        with sides.fresh() as plane:
            found = _told(_situations(plane, options))
    except (RuntimeError, TimeoutError, DevError) as error:
        print(f"proof-start: {error}", file=sys.stderr)
        return CANNOT if isinstance(error, DevError) else MISSED
    sizes = {"namespaces": options.namespaces, "unfinishedImageJobs": options.unfinished}
    targets = [*_requests(found, options.namespaces), *(() if options.untimed else _times(found))]
    starts = {name: [_rounded(each) for each in found[name]] for name in found}
    judged = [each.as_json() for each in targets]
    record.write(options.json, {**sizes, "starts": starts, "targets": judged})
    print(*targets, sep="\n")
    return MET if all(each.met for each in targets) else MISSED


def _told(starts: Iterator[tuple[str, Start]]) -> Found:
    """Print each as soon as it is known."""
    found = defaultdict(list)
    for name, each in starts:
        print(name, _rounded(each), flush=True)
        found[name].append(each)
    return found


def _situations(plane: Plane, options: argparse.Namespace) -> Iterator[tuple[str, Start]]:
    names = [f"team-{number:04}" for number in range(options.namespaces)]
    trials, rest = range(options.trials), plane.rest
    plane.install()
    start.make_namespaces(rest, names)
    for trial in trials:
        start.remove_quotas(rest, names)
        yield "empty", start.start(plane, f"empty-{trial}")
        start.make_quotas(rest, names)
        for name in ("idle", "again"):
            yield name, start.start(plane, f"{name}-{trial}")
    start.make_stores(rest, names)
    crowd.create(rest, crowd.image_jobs(names, options.unfinished))
    yield "unfinished", start.start(plane, "unfinished", are_workers_free=False)
    for trial in trials:
        yield "ledgers", start.start(plane, f"ledgers-{trial}")


def _requests(found: Found, namespaces: int) -> Iterator[Target]:
    """What may be asked and written. Ledgers and ImageStores come with the unfinished ImageJobs."""
    pages = FIRST_PAGES + namespaces // PAGE
    for name, needed in (("idle", 0), ("again", 0), ("ledgers", 2 * pages)):
        gets = max(each.gets for each in found[name])
        yield Target(f"{name}: GETs", gets, "at most", GETS + IMAGE_JOBS + needed, "")
    for name in ("again", "ledgers"):
        statuses = max(each.statuses for each in found[name])
        yield Target(f"{name}: statuses of ImageQuotas", statuses, "at most", GETS, "")
    overtaken = max(each.overtaken or 0 for each in found["idle"])
    yield Target("idle: statuses before the next worker Job", overtaken, "at most", OVERTAKEN, "")


def _times(found: Found) -> Iterator[Target]:
    """How long the two ImageJobs may wait, by how long they wait in an empty cluster."""
    for name in ("idle", "again", "ledgers"):
        pairs = list(zip(found["empty"], found[name], strict=True))
        for what in ("first", "next"):
            ratio = median(getattr(among, what) / getattr(alone, what) for alone, among in pairs)
            yield Target(f"{name}: {what}", ratio, "at most", RATIO, "x empty")
    (busy,) = found["unfinished"]
    yield Target("unfinished: first", busy.first, "at most", FIRST_SECONDS, "s")


def _rounded(each: Start) -> dict[str, Any]:
    found = {key: value and round(value, 3) for key, value in each._asdict().items()}
    return {**found, "peak": f"{each.peak / MIB:.1f} MiB"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--namespaces", type=int, default=1000)
    parser.add_argument("--unfinished", type=int, default=5000, help="ImageJobs in all of them")
    parser.add_argument("--trials", type=int, default=5, help="starts in each situation")
    parser.add_argument("--untimed", action="store_true", help="judge requests only")
    parser.add_argument("--json", type=Path, default=record.RECORDS / "start.json")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
