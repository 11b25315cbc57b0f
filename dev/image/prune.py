"""Take out of an image's environment the generated classes of `kubernetes` that nothing names.

    python prune.py SITE-PACKAGES            what is installed: before our own code is there
    python prune.py --check SITE-PACKAGES…   also with our own code: fails if it names one that went

The package has a class for every kind and every group of the API, twice (`kubernetes.client` and
`kubernetes.aio.client`): nine tenths of it, and more than everything else in the image together.
Each is a module, loaded when its name is first asked for. One that no other module names, in code
or in a string, can't be asked for. What is left is whole: the package's own leader election,
watches and configuration find what they name, and so does kopf.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

GENERATED = tuple(
    f"{half}/{part}" for half in ("client", "aio/client") for part in ("api", "models")
)
CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
NAME = re.compile(r"\b[A-Z]\w+")


class Generated(NamedTuple):
    """A module of one class or several."""

    file: Path
    half: Path
    """The client that it is a part of: a class is asked for in one of the two."""
    classes: frozenset[str]


def main() -> int:
    """0; with --check 1 if something is missing, and its name on standard error."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("folders", nargs="+", type=Path)
    options = parser.parse_args()
    folders: Sequence[Path] = options.folders
    package = next(folder / "kubernetes" for folder in folders if (folder / "kubernetes").is_dir())
    if options.check:
        missing = sorted(missing_from(package, folders))
        for name in missing:
            print(f"{name} is named, but was taken out: see dev/image/prune.py", file=sys.stderr)
        return 1 if missing else 0
    modules = list(generated(package))
    kept = needed(modules, others(package, folders))
    for file in (*(module.file for module in modules if module not in kept), *unused(package)):
        file.unlink()
    print(f"kubernetes: {len(kept)} generated modules of {len(modules)} stay")
    return 0


def generated(package: Path) -> Iterator[Generated]:
    """All generated modules of the package that are still there."""
    for part in GENERATED:
        for file in sorted((package / part).glob("[!_]*.py")):
            yield Generated(file, package / part.rpartition("/")[0], defined_in(file))


def others(package: Path, folders: Sequence[Path]) -> Iterator[Path]:
    """The modules that may ask for a generated one."""
    listings = {package / part / "__init__.py" for part in GENERATED}
    listings |= {listing.parents[1] / "__init__.py" for listing in listings}
    left_out = listings | {file for part in GENERATED for file in (package / part).glob("*.py")}
    left_out |= set(unused(package))
    for folder in folders:
        yield from (file for file in sorted(folder.rglob("*.py")) if file not in left_out)


def needed(modules: Sequence[Generated], seeds: Iterator[Path]) -> set[Generated]:
    """Those that are named by a seed, or by one that is."""
    by_name = _by_name(modules)
    kept: set[Generated] = set()
    waiting = list(seeds)
    while waiting:
        file = waiting.pop()
        found = {module for name in named_in(file) for module in by_name.get(name, ())}
        home = _half_of(file, modules)
        fresh = {module for module in found - kept if home in (None, module.half)}
        kept |= fresh
        waiting += [module.file for module in fresh]
    return kept


def missing_from(package: Path, folders: Sequence[Path]) -> set[str]:
    """Names of generated classes that are listed and named, but whose module is gone."""
    listed = _listed(package)
    there = {name for module in generated(package) for name in module.classes}
    return {
        name
        for file in others(package, folders)
        for name in named_in(file)
        if name in listed and name not in there
    }


def unused(package: Path) -> set[Path]:
    """What the package brings along besides: its tests, and an old name for all classes at once."""
    parts = ("**/*_test.py", "**/test_*.py", "client/apis/*.py", "aio/setup.py")
    return {file for part in parts for file in package.glob(part)}


def defined_in(file: Path) -> frozenset[str]:
    """The classes of a module."""
    return frozenset(CLASS.findall(file.read_text()))


def named_in(file: Path) -> frozenset[str]:
    """Every word that may be the name of a class, in code, strings and comments alike."""
    return frozenset(NAME.findall(file.read_text(errors="replace")))


def _by_name(modules: Sequence[Generated]) -> Mapping[str, Sequence[Generated]]:
    found: dict[str, list[Generated]] = {}
    for module in modules:
        for name in module.classes:
            found.setdefault(name, []).append(module)
    return found


def _half_of(file: Path, modules: Sequence[Generated]) -> Path | None:
    """The one client that a file of the package belongs to; None: it may use either."""
    halves = {module.half for module in modules}
    return next((half for half in halves if half in file.parents), None)


def _listed(package: Path) -> set[str]:
    """Every generated class that there was: the clients' listings still have them all."""
    listings = {(package / part).parent / "__init__.py" for part in GENERATED}
    # The gateway's image has no synchronous client: see prune_to_client.py.
    text = "".join(listing.read_text() for listing in sorted(listings) if listing.exists())
    return set(re.findall(r'"(\w+)": "\.(?:api|models)\.', text))


if __name__ == "__main__":
    sys.exit(main())
