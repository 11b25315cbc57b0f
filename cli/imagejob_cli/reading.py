"""Reads objects from the files on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import CliError
from .loader import UnreadableError, documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"
SUFFIXES = (".yaml", ".yml", ".json")
"""The files that are read from a folder, as kubectl does."""


class Document(NamedTuple):
    """One object, and its location: `photos.yaml, document 2`."""

    where: str
    body: dict[str, Any]


def read(files: Sequence[str]) -> list[Document]:
    """Read every object of every file, in order. Raises CliError with a line for each bad file."""
    found: list[Document] = []
    faults: list[str] = []
    for file in _expand(files):
        try:
            found += _objects(file)
        except OSError as error:
            faults.append(f"{file}: {error.strerror}")
        except UnreadableError as error:
            faults.append(f"{_joined(_shown(file), error.place)}: {error.words}")
    if faults:
        raise CliError(*faults)
    return found


def _expand(files: Sequence[str]) -> Iterator[str]:
    """Replace folders by their manifests; a file that is named twice is read once."""
    named: dict[str, None] = {}
    for file in files:
        if file == STDIN or not Path(file).is_dir():
            named[file] = None
            continue
        inside = sorted(each for each in Path(file).iterdir() if each.suffix in SUFFIXES)
        if not inside:
            raise CliError(f"{file}: the folder has no file that ends in {', '.join(SUFFIXES)}")
        named |= dict.fromkeys(map(str, inside))
    yield from named


def _objects(file: str) -> Iterator[Document]:
    data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    bodies = [(number, body) for number, body in enumerate(documents(data), 1) if body is not None]
    for number, body in bodies:
        # A single object needs no number.
        yield from _flat(f"document {number}" if len(bodies) > 1 else "", body, _shown(file))


def _flat(place: str, body: object, file: str) -> Iterator[Document]:
    """Yield an object; or each item of a List, as `kubectl get -o yaml` prints it."""
    if not isinstance(body, dict):
        raise UnreadableError(f"not a Kubernetes object, but of type {type(body).__name__}", place)
    items = body.get("items")
    if isinstance(items, list) and str(body.get("kind")).endswith("List"):
        for index, item in enumerate(items):
            yield from _flat(_joined(place, f"items[{index}]"), item, file)
    else:
        yield Document(_joined(file, place), body)


def _shown(file: str) -> str:
    return "standard input" if file == STDIN else file


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))
