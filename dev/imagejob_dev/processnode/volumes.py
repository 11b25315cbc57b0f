"""Makes a pod's volumes: folders for emptyDir, folders of files for Secrets."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from imagejob_dev.processnode.sources import NotYet

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.processnode.api import Object
    from imagejob_dev.processnode.sources import Sources

DEFAULT_MODE = 0o644
DATA = "..data"


async def make(pod: Object, folder: Path, sources: Sources) -> dict[str, Path]:
    """Volume → its folder under `folder`; NotYet while a Secret is missing.

    Only of volumes that some container mounts: a kubelet doesn't look at the others either. A
    Secret is written once: unlike on a kubelet, files don't follow later changes of it.
    """
    places: dict[str, Path] = {}
    mounted = _mounted(pod)
    for volume in pod["spec"].get("volumes") or []:
        if volume["name"] not in mounted:
            continue
        place = places[volume["name"]] = folder / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        if "secret" in volume:
            await _write_secret(volume["name"], volume["secret"], place, sources)
    return places


def _mounted(pod: Object) -> set[str]:
    mounts = (container.get("volumeMounts") or [] for container in pod["spec"]["containers"])
    return {mount["name"] for each in mounts for mount in each}


async def _write_secret(volume: str, secret: Object, place: Path, sources: Sources) -> None:
    data = await sources.read("secret", secret["secretName"])
    optional = bool(secret.get("optional"))
    if data is None:
        if optional:
            return
        raise _mount_error(volume, f'secret "{secret["secretName"]}" not found')
    default = secret.get("defaultMode", DEFAULT_MODE)
    items = secret.get("items") or [{"key": key, "path": key} for key in data]
    version = _new_version(place)
    for item in items:
        if item["key"] not in data:
            if optional:
                continue
            raise _mount_error(volume, f"references non-existent secret key: {item['key']}")
        file = version / item["path"]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data[item["key"]])
        file.chmod(item.get("mode") or default)
    for each in version.iterdir():
        (place / each.name).symlink_to(f"{DATA}/{each.name}")


def _new_version(place: Path) -> Path:
    """A folder for the files, which are links to it, so that all change at once: a kubelet's way.

    A program that follows no links, or takes all that it finds for keys, shall stumble here too.
    """
    version = place / "..1"
    if version.exists():  # from an attempt that found another object missing
        shutil.rmtree(place)
    version.mkdir(parents=True)
    (place / DATA).symlink_to(version.name)
    return version


def _mount_error(volume: str, message: str) -> NotYet:
    return NotYet(
        "ContainerCreating",
        f'MountVolume.SetUp failed for volume "{volume}" : {message}',
        event="FailedMount",
    )
