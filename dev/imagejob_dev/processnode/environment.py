"""A container's environment: envFrom, env and valueFrom, in the kubelet's order."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagejob_dev.processnode.expand import expand
from imagejob_dev.processnode.sources import NotYet

if TYPE_CHECKING:
    from imagejob_dev.processnode.api import Object
    from imagejob_dev.processnode.sources import Sources

FIELDS = {
    "metadata.name": ("metadata", "name"),
    "metadata.namespace": ("metadata", "namespace"),
    "metadata.uid": ("metadata", "uid"),
    "spec.nodeName": ("spec", "nodeName"),
}
KINDS = {
    "secretRef": "secret",
    "secretKeyRef": "secret",
    "configMapRef": "configmap",
    "configMapKeyRef": "configmap",
}
TITLES = {"secret": "Secret", "configmap": "ConfigMap"}


def base(pod: Object, home: Path) -> dict[str, str]:
    """What an image would give. Nothing of this process's own environment is passed on.

    The folder of the running Python comes first, not resolved: it is the venv that has the worker.
    """
    programs = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(programs),
        "HOME": str(home),
        "HOSTNAME": pod["metadata"]["name"],
    }


async def resolve(pod: Object, container: Object, sources: Sources) -> dict[str, str]:
    """The variables that the pod asks for; NotYet while an object or a key is missing.

    As in the kubelet's makeEnvironmentVariables: envFrom first, env over it; a plain value sees all
    that stands before it, a value from elsewhere is not expanded.
    """
    variables: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        variables |= await _all_of(source, sources)
    for entry in container.get("env") or []:
        value = await _value(pod, entry, variables, sources)
        if value is not None:
            variables[entry["name"]] = value
    return variables


async def _all_of(source: Object, sources: Sources) -> dict[str, str]:
    reference = next(key for key in KINDS if key in source)
    kind, name = KINDS[reference], source[reference]["name"]
    data = await sources.read(kind, name)
    if data is None:
        if source[reference].get("optional"):
            return {}
        raise _config_error(f'{kind} "{name}" not found')
    prefix = source.get("prefix") or ""
    return {prefix + key: _text(content) for key, content in data.items()}


async def _value(
    pod: Object, entry: Object, variables: dict[str, str], sources: Sources
) -> str | None:
    """The entry's value; None for an optional one that isn't there."""
    plain: str = entry.get("value") or ""
    origin: dict[str, Any] = entry.get("valueFrom") or {}
    if plain or not origin:
        return expand(plain, variables)
    if "fieldRef" in origin:
        section, key = FIELDS[origin["fieldRef"]["fieldPath"]]
        return str(pod[section][key])
    return await _from_key(pod, origin, sources)


async def _from_key(pod: Object, origin: Object, sources: Sources) -> str | None:
    reference = next(key for key in KINDS if key in origin)
    kind, wanted = KINDS[reference], origin[reference]
    name, key = wanted["name"], wanted["key"]
    data = await sources.read(kind, name)
    if data is not None and key in data:
        return _text(data[key])
    if wanted.get("optional"):
        return None
    if data is None:
        raise _config_error(f'{kind} "{name}" not found')
    namespace = pod["metadata"]["namespace"]
    raise _config_error(f"couldn't find key {key} in {TITLES[kind]} {namespace}/{name}")


def _config_error(message: str) -> NotYet:
    return NotYet("CreateContainerConfigError", message, event="Failed")


def _text(content: bytes) -> str:
    """As os.fsdecode, so that a Secret's bytes reach the process as they are."""
    return content.decode("utf-8", "surrogateescape")
