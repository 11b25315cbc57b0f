"""Moves as requests: method, path and body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from support.adversary import bodies, changes
from support.adversary.moves import RESOURCES

if TYPE_CHECKING:
    from support.adversary.ground import Ground
    from support.adversary.moves import Move

Body = dict[str, Any]


class Request(NamedTuple):
    """`method` as in `Attacker.send`."""

    method: str
    path: str
    body: Any


def request(ground: Ground, move: Move) -> Request:
    """The request of a move, for the objects that exist now."""
    options, (resource, _, sub) = move.options, move.to.partition("/")
    path = ground.path(resource)
    if move.what == "deletecollection":
        return Request("DELETE", path, delete_options(options))
    if move.what == "create" and not sub:
        return Request("POST", path, _new(ground, resource, options))
    there = _target(ground, resource, options["target"])
    name = there["metadata"]["name"]
    if sub == "eviction":
        return Request(
            "POST", f"{path}/{name}/eviction", _eviction(ground.namespace, name, options)
        )
    if move.what == "delete":
        return Request("DELETE", f"{path}/{name}", delete_options(options))
    if sub:
        return Request("GET", f"{path}/{name}/{sub}", None)
    where = f"{path}/{name}" + ("/status" if options["field"] == "status" else "")
    owners = ground.all("imagejobs")
    change = changes.change(resource, options["field"], options["value"], ground.world, owners)
    if move.what == "update":
        return Request("PUT", where, merged(there, change))
    return _patch(options["patch"], where, change, bodies.kind(resource, RESOURCES[resource], name))


def eviction(ground: Ground, move: Move) -> Request:
    """The eviction of an existing pod, by any user."""
    name = _target(ground, "pods", move.options["target"])["metadata"]["name"]
    body = _eviction(ground.namespace, name, move.options)
    return Request("POST", f"{ground.path('pods')}/{name}/eviction", body)


def delete_options(options: Body) -> Body:
    how, grace = options.get("propagation"), options.get("grace")
    body: Body = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if how == "orphanDependents":
        body["orphanDependents"] = True
    elif how:
        body["propagationPolicy"] = how
    if grace is not None:
        body["gracePeriodSeconds"] = grace
    return body


def merged(there: Body, change: Body) -> Body:
    """Merge as a merge patch does."""
    result = dict(there)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            before = result.get(key)
            result[key] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[key] = value
    return result


def _target(ground: Ground, resource: str, number: int) -> Body:
    """The newest first: running objects are more interesting than ended ones."""
    there = ground.all(resource)[::-1]
    found: Body = bodies.pick(there or [{"metadata": {"name": "nobody"}}], number)
    return found


def _eviction(namespace: str, name: str, options: Body) -> Body:
    return {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": namespace},
        "deleteOptions": delete_options(options),
    }


def _patch(how: str, where: str, change: Body, empty: Body) -> Request:
    if how == "APPLY":
        return Request(how, f"{where}?fieldManager=tenant&force=true", merged(empty, change))
    if how == "JSON PATCH":
        steps = [
            {"op": "add", "path": f"/{outer}/{inner}", "value": value}
            for outer, values in change.items()
            if isinstance(values, dict)
            for inner, value in values.items()
        ]
        return Request(how, where, steps)
    return Request(how, where, change)


def _new(ground: Ground, resource: str, options: Body) -> Body:
    targets = ground.all("imagejobs")
    if resource == "imagejobs":
        name, fields = bodies.image_job(options)
        if field := options["field"]:
            fields |= changes.change(resource, field, options["value"], ground.world, targets)
    else:
        made = bodies.create(resource, options["value"], ground.world, targets, ground.workers())
        name, fields = made
    return bodies.kind(resource, RESOURCES[resource], name, **fields)
