"""A kind cluster with the images of this checkout on its node, made by pytest-kind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev.client import REPOSITORY

from support.release import Images

if TYPE_CHECKING:
    from collections.abc import Iterator

CLUSTER = "imagejob-e2e"
KIND = "v0.33.0"
"""Downloaded (for amd64) if none is installed: pytest-kind's default is years old."""


def missing() -> str:
    """What this machine lacks for it; empty if nothing."""
    found = []
    if find_spec("pytest_kind") is None:
        found.append("pytest-kind (requirements/e2e.txt, which `make e2e` installs)")
    if not shutil.which("docker"):
        found.append("docker")
    elif not _runs("docker", "info"):
        found.append("Docker daemon that answers `docker info`")
    return ", no ".join(found)


@contextmanager
def running(folder: Path) -> Iterator[tuple[Path, Images, str]]:
    """A cluster's kubeconfig, the images on its node, and this machine's address for its pods.

    The cluster is deleted afterwards.
    """
    os.environ.setdefault("KIND_VERSION", KIND)  # read on import
    from pytest_kind import KindCluster  # type: ignore[import-not-found, unused-ignore]

    installed = shutil.which("kind")
    kind = Path(installed) if installed else None
    cluster = KindCluster(CLUSTER, folder / "kubeconfig", kind_path=kind)
    images = Images(*(_built(target) for target in Images._fields))
    try:
        cluster.create()
        for image in images:
            cluster.load_docker_image(image)
        yield (
            folder / "kubeconfig",
            images,
            gateway(_output("docker", "network", "inspect", "kind")),
        )
    finally:
        cluster.delete()


def gateway(networks: str) -> str:
    """This machine's IPv4 address on a network, from the output of `docker network inspect`.

    For Docker Engine on Linux: Docker Desktop runs containers in a virtual machine.
    """
    (network,) = json.loads(networks)
    ranges = network["IPAM"]["Config"]
    addresses = [
        each.get("Gateway") or str(next(ip_network(each["Subnet"]).hosts()))
        for each in ranges
        if isinstance(ip_network(each["Subnet"]), IPv4Network)
    ]
    return str(addresses[0])


def _built(target: str) -> str:
    tag = f"imagejob-{target}:e2e"
    subprocess.run(["docker", "build", "--target", target, "--tag", tag, REPOSITORY], check=True)
    return tag


def _runs(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
