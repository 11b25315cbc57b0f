"""Functions that change none of their arguments, and a check for it.

Arguments are read to their leaves before and after the call. Cached values of an object
(`cached_property`) don't count.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

import msgspec

OFTEN = 3
"""The number of first calls of a function that are checked between two `Watch.renew`."""

ATOMS = (str, bytes, int, float, bool, type(None), FunctionType, type, ModuleType)


class ChangedArgumentError(AssertionError):
    """A function that should be pure isn't."""


def fingerprint(value: Any) -> Any:
    """A value that is equal at two times exactly if nothing in `value` has changed between them."""
    return _fingerprint(value, set())


def _fingerprint(value: Any, above: set[int]) -> Any:
    if isinstance(value, ATOMS) or id(value) in above:
        return value if isinstance(value, (str, bytes, int, float, bool)) else id(value)
    above.add(id(value))
    try:
        return type(value), tuple(_fingerprint(each, above) for each in _parts(value))
    finally:
        above.discard(id(value))


def _parts(value: Any) -> Iterable[Any]:
    """Its parts; itself, as an identity, if it has none."""
    if isinstance(value, msgspec.Struct):
        return [getattr(value, name) for name in value.__struct_fields__]
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, (list, tuple)) or _is_sorted_list(value):
        return list(value)
    if hasattr(value, "__dict__") and not callable(value):
        return [part for pair in vars(value).items() for part in pair]
    return [id(value)] if callable(value) or not hasattr(value, "isoformat") else [str(value)]


def _is_sorted_list(value: Any) -> bool:
    return type(value).__module__.startswith("sortedcontainers")


def public_functions(*packages: str) -> Iterator[tuple[ModuleType, str, FunctionType]]:
    """The functions that the packages' modules define, except private ones."""
    for package in packages:
        found = importlib.import_module(package)
        for each in pkgutil.iter_modules(found.__path__, f"{package}."):
            module = importlib.import_module(each.name)
            for name, value in sorted(vars(module).items()):
                is_own = isinstance(value, FunctionType) and value.__module__ == module.__name__
                if is_own and not name.startswith("_"):
                    yield module, name, value


class Watch:
    """Compares the arguments of the watched functions before and after each call."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        self._calls: Counter[str] = Counter()

    def renew(self) -> None:
        """Check the first calls of each function again."""
        self._calls.clear()

    def watched(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function; raises ChangedArgumentError if it changes an argument."""
        name = f"{function.__module__}.{function.__qualname__}"

        @functools.wraps(function)
        def compared(*args: Any, **kwargs: Any) -> Any:
            self._calls[name] += 1
            if self._calls[name] > OFTEN:
                return function(*args, **kwargs)
            given = inspect.signature(function).bind(*args, **kwargs).arguments
            # An argument that can be read only once has no state to compare.
            kept = {key: each for key, each in given.items() if not isinstance(each, Iterator)}
            before = {key: fingerprint(each) for key, each in kept.items()}
            self.called.add(name)
            answer = function(*args, **kwargs)
            if inspect.isgenerator(answer):
                answer = iter(list(answer))
            for key, each in kept.items():
                if fingerprint(each) != before[key]:
                    raise ChangedArgumentError(f"{name} has changed its argument {key}")
            return answer

        return compared

    def over(self, *packages: str) -> None:
        """Watch every public function of the packages, under any name or in any list of
        functions in a module.
        """
        found = {function: self.watched(function) for _, _, function in public_functions(*packages)}
        roots = {package.partition(".")[0] for package in packages}
        for module in list(sys.modules.values()):
            if getattr(module, "__name__", "").partition(".")[0] in roots:
                for name, value in list(vars(module).items()):
                    if isinstance(value, FunctionType) and value in found:
                        setattr(module, name, found[value])
                    if type(value) is tuple and all(
                        isinstance(each, FunctionType) for each in value
                    ):
                        setattr(module, name, tuple(found.get(each, each) for each in value))
