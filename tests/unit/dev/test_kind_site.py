"""What the end-to-end tests require of Docker before they create a kind cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import kind_site

if TYPE_CHECKING:
    from pathlib import Path

IPV6 = {"Subnet": "fc00:f853:ccd:e793::/64"}


@pytest.mark.parametrize(
    ("ranges", "address"),
    [
        ([{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}, IPV6], "172.18.0.1"),
        ([IPV6, {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.254"}], "172.18.0.254"),
        ([{"Subnet": "172.19.0.0/16"}], "172.19.0.1"),
    ],
)
def test_pods_reach_this_machine_at_their_network_s_gateway(
    ranges: list[dict[str, str]], address: str
) -> None:
    networks = json.dumps([{"Name": "kind", "IPAM": {"Config": ranges}}])

    assert kind_site.gateway(networks) == address


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert kind_site.missing().endswith("docker")


def test_a_daemon_that_does_not_answer_is_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert kind_site.missing().endswith("Docker daemon that answers `docker info`")
