"""Loads YAML as kubectl does: a date stays text, and a duplicate key is an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator


class _Loader(yaml.SafeLoader):
    # CSafeLoader is ten times faster, but crashes on deeply nested input.

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 (PyYAML's signature)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    problem = f'the key "{key.value}" is given twice'
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != _TIMESTAMP]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class UnreadableError(Exception):
    """Bytes without objects: what is wrong, and where, if that is known."""

    def __init__(self, words: str, place: str = "") -> None:
        super().__init__(words, place)
        self.words, self.place = words, place


def documents(data: bytes, lines_before: int = 0) -> Iterator[Any]:
    """Yield every document of a stream; an empty one is None. Raises UnreadableError.

    JSON is read as such, 100 times as fast, unless YAML may read it otherwise or has to say what is
    wrong.
    """
    try:
        yield _from_json(data)
    except (ValueError, RecursionError):
        yield from _from_yaml(data, lines_before)


def _from_json(data: bytes) -> Any:  # noqa: ANN401 (JSON)
    data = data.removeprefix(b"---")
    if not data.lstrip().startswith(b"{") or b"\\" in data:
        raise ValueError("not JSON, or with escapes that YAML may refuse")
    return json.loads(data, object_pairs_hook=_unique, parse_float=_refuse, parse_constant=_refuse)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is given twice")
    return found


def _refuse(text: str) -> NoReturn:
    """Numbers with an exponent, for example, are text in YAML 1.1."""
    raise ValueError(text)


def _from_yaml(data: bytes, lines_before: int) -> Iterator[Any]:
    try:
        yield from yaml.load_all(data, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {lines_before + mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableError(str(error.problem or error.context), place) from error
    except yaml.YAMLError as error:
        raise UnreadableError(str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise UnreadableError("nested too deeply") from error
