"""Reads objects from the files on the command line.

Parsing YAML takes milliseconds for each document, so files are split into their documents first,
without a look at what these say, and each is parsed when its turn comes.
"""

from __future__ import annotations

import re
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

_BEGINS = re.compile(rb"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_CONTENT = re.compile(rb"^(?!---\s*$)[ \t]*[^#\s]", re.MULTILINE)
_UNSPLIT = re.compile(rb"\A(\xff\xfe|\xfe\xff)|^(%|\.\.\.)", re.MULTILINE)
"""UTF-16, directives, and ends of documents that need no beginning: YAML itself splits those."""


class Document(NamedTuple):
    """One object, and its location: `photos.yaml, document 2`."""

    where: str
    body: dict[str, Any]


class Text(NamedTuple):
    """A document that is not parsed yet; a whole file where YAML has to split it.

    `number` is its place among the file's documents, 0 if it is the only one; `line` is how many
    lines are before it.
    """

    file: str
    data: bytes
    number: int = 0
    line: int = 0

    def documents(self) -> Iterator[Document]:
        """Parse it. Raises CliError with one line."""
        try:
            bodies = [(at, body) for at, body in self._bodies() if body is not None]
            alone = not self.number and len(bodies) == 1
            for at, body in bodies:
                yield from _flat("" if alone else f"document {at}", body, self.file)
        except UnreadableError as error:
            raise CliError(f"{_joined(self.file, error.place)}: {error.words}") from error

    def _bodies(self) -> Iterator[tuple[int, object]]:
        return enumerate(documents(self.data, self.line), self.number or 1)


def read(files: Sequence[str]) -> list[Text]:
    """Read every file, in order. Raises CliError with a line for each that can't be read."""
    found: list[Text] = []
    faults: list[str] = []
    for file in _expand(files):
        try:
            data = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        except OSError as error:
            faults.append(f"{file}: {error.strerror}")
        else:
            found += _split("standard input" if file == STDIN else file, data)
    if faults:
        raise CliError(*faults)
    return found


def _split(file: str, data: bytes) -> Iterator[Text]:
    starts = [] if _UNSPLIT.search(data) else [match.start() for match in _BEGINS.finditer(data)]
    first = starts[0] if starts else len(data)
    if not starts or _CONTENT.search(data, 0, first):  # a document may lack its beginning
        starts = [0, *starts]
    ends = [*starts[1:], len(data)]
    parts = [data[start:end] for start, end in zip(starts, ends, strict=True)]
    single = sum(_CONTENT.search(part) is not None for part in parts) == 1
    line = data.count(b"\n", 0, starts[0])
    for number, part in enumerate(parts, 1):
        yield Text(file, part, 0 if single or len(parts) == 1 else number, line)
        line += part.count(b"\n")


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


def _joined(*places: str) -> str:
    return ", ".join(filter(None, places))
