"""Which paths take which methods and parameters, as the OpenAPI document says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.routing import compile_path

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

UNDOCUMENTED = ("/docs", "/openapi.json")
"""Pages about the API, not of it."""

STREAMS = "/events"
"""How paths end whose GET has no end: they have no HEAD."""


class Parameter(NamedTuple):
    """A parameter of the query."""

    name: str
    may_repeat: bool


class _Path(NamedTuple):
    pattern: re.Pattern[str]
    methods: frozenset[str]


class Paths:
    """What the document says."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        paths: Mapping[str, Mapping[str, Any]] = document["paths"]
        self._paths = [_Path(compile_path(path)[0], _methods(path, paths[path])) for path in paths]
        self._paths += [_Path(compile_path(path)[0], _GET) for path in UNDOCUMENTED]
        self._parameters = {
            (path, method.upper()): _parameters(operation)
            for path, operations in paths.items()
            for method, operation in operations.items()
        }

    def methods(self, path: str) -> frozenset[str]:
        """Return the methods of a path; none if there is no such path."""
        found = next((each for each in self._paths if each.pattern.match(path)), None)
        return found.methods if found else frozenset()

    def parameters(self, template: str, method: str) -> Mapping[str, Parameter]:
        """Return the query's parameters of a documented path, such as /images/{name}, by name."""
        return self._parameters.get((template, method), {})

    def has_twin(self, path: str) -> bool:
        """Whether the path exists with a slash at its end, or without."""
        return bool(self.methods(twin(path)))


_GET = frozenset({"GET", "HEAD"})


def twin(path: str) -> str:
    """Return the path with a slash at its end if it has none, and without otherwise."""
    return path.rstrip("/") if path.endswith("/") else f"{path}/"


def _methods(path: str, operations: Mapping[str, Any]) -> frozenset[str]:
    methods = frozenset(method.upper() for method in operations)
    return methods | _GET if "GET" in methods and not path.endswith(STREAMS) else methods


def _parameters(operation: Mapping[str, Any]) -> dict[str, Parameter]:
    return {
        each["name"]: Parameter(each["name"], each["schema"].get("type") == "array")
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    }
