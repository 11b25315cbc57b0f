"""The policies for workers with accounts on their lists, as the chart renders them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml
from imagejob_dev.client import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from imagejob_dev.client import Client

FILE = CHART / "policies" / "workers.yaml"


def with_lists(text: str, lists: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """The objects of the file; `lists` are `managers` and `evictors`."""
    objects = list(yaml.safe_load_all(text))
    for body in objects:
        for variable in body["spec"].get("variables", []):
            if variable["name"] in lists:
                names = lists[variable["name"]]
                variable["expression"] = json.dumps(names, separators=(",", ":"))
    return objects


@contextmanager
def listed(cluster: Client, **lists: Sequence[str]) -> Iterator[None]:
    """Put these accounts on the lists for a time; the caller waits until that takes effect."""
    changed = yaml.safe_dump_all(with_lists(FILE.read_text(), lists))
    cluster.kubectl("apply", "--server-side", "--filename=-", stdin=changed)
    try:
        yield
    finally:
        cluster.apply(FILE)
