"""Where the API server is, and whose token is sent to it."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.kube import connection
from imagejob_operator.kube.connection import ConnectionConfigError

if TYPE_CHECKING:
    from pathlib import Path

PROXY = "http://proxy.corp:3128"


def load(environment: dict[str, str], account: Path | None = None) -> tuple[Any, str]:
    """The configuration, and the header that is sent."""

    async def run() -> tuple[Any, str]:
        found = await connection.load(environment, account or connection.ACCOUNT)
        return found.configuration, await found.credentials.header()

    return asyncio.run(run())


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """As the kubelet mounts it."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("of-the-pod")
    (folder / "ca.crt").write_text(ssl.DER_cert_to_PEM_cert(b"not looked into"))
    return folder


def kubeconfig(folder: Path, user: dict[str, Any], **cluster: str) -> dict[str, str]:
    """The environment of a kubeconfig in that folder."""
    file = folder / "kubeconfig"
    config = {
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": "http://api:8080", **cluster}}],
        "users": [{"name": "it", "user": user}],
    }
    file.write_text(json.dumps(config))
    return {"KUBECONFIG": str(file)}


@pytest.mark.parametrize(
    ("host", "port", "server"),
    [
        ("10.96.0.1", "443", "https://10.96.0.1:443"),
        ("10.96.0.1", "6443", "https://10.96.0.1:6443"),
        ("fd00:10:96::1", "443", "https://[fd00:10:96::1]:443"),
    ],
)
def test_a_pod_reaches_the_address_that_the_kubelet_gives(
    account: Path, host: str, port: str, server: str
) -> None:
    told = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    configuration, header = load(told, account)

    assert (configuration.host, header) == (server, "Bearer of-the-pod")
    assert configuration.ssl_ca_cert == account / "ca.crt"


@pytest.mark.parametrize(
    ("no_proxy", "proxy"), [("", PROXY), ("10.96.0.0/12", None), ("fd00::/8", PROXY)]
)
def test_a_pod_s_proxy_is_the_variables(account: Path, no_proxy: str, proxy: str | None) -> None:
    cluster = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    configuration, _ = load({**cluster, "HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}, account)

    assert configuration.proxy == proxy


def test_a_kubeconfig_s_proxy_comes_first(tmp_path: Path) -> None:
    told = kubeconfig(tmp_path, {"token": "x"}, **{"proxy-url": "http://own:1"})
    configuration, _ = load({**told, "HTTP_PROXY": PROXY, "NO_PROXY": "*"})

    assert configuration.proxy == "http://own:1"


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ({"token": "abc"}, "Bearer abc"),
        ({"username": "me", "password": "secret"}, "Basic bWU6c2VjcmV0"),
        ({}, ""),
    ],
)
def test_a_kubeconfig_s_own_credentials_are_sent(
    tmp_path: Path, user: dict[str, Any], header: str
) -> None:
    assert load(kubeconfig(tmp_path, user))[1] == header


def test_a_token_file_is_beside_the_kubeconfig_and_comes_before_its_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("rotated\n")

    told = kubeconfig(tmp_path, {"tokenFile": "token", "token": "old"})

    assert load(told)[1] == "Bearer rotated"


def test_a_plugin_is_run(tmp_path: Path) -> None:
    api = "client.authentication.k8s.io/v1"
    printed = json.dumps({"apiVersion": api, "status": {"token": "minted"}})
    plugin = {"command": "echo", "args": [printed], "apiVersion": api, "env": None}

    assert load(kubeconfig(tmp_path, {"exec": plugin}))[1] == "Bearer minted"


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"KUBECONFIG": "/no/such/file"}, "there is no kubeconfig at /no/such/file"),
        ({"KUBERNETES_SERVICE_HOST": "10.96.0.1"}, "Service host/port is not set"),
    ],
)
def test_what_leads_nowhere_is_told_in_a_line(environment: dict[str, str], why: str) -> None:
    with pytest.raises(ConnectionConfigError, match=why):
        load(environment)


def test_a_proxy_of_another_kind_is_told(tmp_path: Path) -> None:
    told = kubeconfig(tmp_path, {})

    with pytest.raises(ConnectionConfigError, match="socks5 proxies are not supported"):
        load({**told, "HTTP_PROXY": "socks5://it"})
