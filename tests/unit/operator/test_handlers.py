"""Where the operator finds the API server of the cluster that it runs in."""

from __future__ import annotations

import pytest
from imagejob_operator.handlers import own_cluster


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("10.96.0.1", "443", "https://10.96.0.1:443"),
        ("10.96.0.1", "6443", "https://10.96.0.1:6443"),
        ("fd00:10:96::1", "443", "https://[fd00:10:96::1]:443"),
        ("", "443", ""),
    ],
)
def test_the_api_server_is_found_by_its_address(host: str, port: str, server: str) -> None:
    told = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}

    assert own_cluster(told) == server


def test_outside_of_a_cluster_there_is_none() -> None:
    assert own_cluster({}) == ""
