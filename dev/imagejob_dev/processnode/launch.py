"""Turns a pod into what has to be started: commands, environments, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagejob_dev.processnode import environment, volumes
from imagejob_dev.processnode.expand import expand
from imagejob_dev.processnode.paths import lay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from imagejob_dev.processnode.api import Object
    from imagejob_dev.processnode.images import Images
    from imagejob_dev.processnode.sources import Sources


@dataclass(frozen=True)
class PodFolders:
    """The folders of one pod: `work` goes with the pod, `logs` stays for a person to read."""

    work: Path
    logs: Path


@dataclass(frozen=True)
class Launch:
    """All that one container needs to start."""

    command: list[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    message_file: Path
    message_from_log: bool  # where the file is empty and the container failed


async def prepare(
    pod: Object, folders: PodFolders, sources: Sources, images: Images
) -> dict[str, Launch]:
    """Container → its launch, its volumes made; NotYet while something that it names is missing.

    In a kubelet's order: volumes, images, environments.
    """
    mounted = await volumes.make(pod, folders.work / "volumes", sources)
    images.pull(pod)
    return {
        container["name"]: await _launch(pod, container, mounted, folders, sources)
        for container in pod["spec"]["containers"]
    }


async def _launch(
    pod: Object,
    container: Object,
    mounted: Mapping[str, Path],
    folders: PodFolders,
    sources: Sources,
) -> Launch:
    name = container["name"]
    folder, message_file = folders.work / name, folders.work / f"{name}.message"
    for each in (folder, folders.logs):
        each.mkdir(parents=True, exist_ok=True)
    places_inside = {
        mount["mountPath"]: mounted[mount["name"]] for mount in container.get("volumeMounts") or []
    }
    mounts = lay(
        folders.work / f"{name}.root",
        places_inside | {container["terminationMessagePath"]: message_file},
    )
    asked = await environment.resolve(pod, container, sources)
    words = [*container["command"], *(container.get("args") or [])]
    variables = {key: mounts.rewrite(value) for key, value in asked.items()}
    return Launch(
        command=[mounts.rewrite(expand(word, asked)) for word in words],
        environment=environment.base(pod, folder) | variables,
        folder=folder,
        log=folders.logs / f"{name}.log",
        message_file=message_file,
        message_from_log=container.get("terminationMessagePolicy") == "FallbackToLogsOnError",
    )
