"""Loads YAML as kubectl does: a date stays text, and a duplicate key is an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


def documents(data: bytes) -> Iterator[Any]:
    """Yield every document of a stream; an empty one is None. Raises UnreadableError."""
    try:
        yield from yaml.load_all(data, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableError(str(error.problem or error.context), place) from error
    except yaml.YAMLError as error:
        raise UnreadableError(str(error).splitlines()[0]) from error
    except RecursionError as error:
        raise UnreadableError("nested too deeply") from error
