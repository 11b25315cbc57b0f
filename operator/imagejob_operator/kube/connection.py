"""How the API server is reached, and as whom: from the pod's service account, or a kubeconfig."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from kubernetes.aio import client
from kubernetes.aio.config import ConfigException
from kubernetes.aio.config.incluster_config import InClusterConfigLoader
from kubernetes.aio.config.kube_config import KubeConfigLoader, KubeConfigMerger

from .credentials import Credentials, Read, fixed, from_file
from .exec_plugin import Plugin, from_plugin
from .proxy import proxy_for

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""The token and the certificate authority that the kubelet mounts into a pod."""

KUBECONFIG = "~/.kube/config"

TOKEN = "BearerToken"  # noqa: S105 (the library's name for the header Authorization)

CONNECTIONS = 64


class ConnectionConfigError(ValueError):
    """The kubeconfig, the service account or a proxy variable is invalid."""


class Connection(NamedTuple):
    """Server, certificates and proxy, as the library takes them; and where tokens come from."""

    configuration: client.Configuration
    credentials: Credentials


async def load(environment: Mapping[str, str], account: Path = ACCOUNT) -> Connection:
    """Return the cluster that we run in, or else KUBECONFIG's. Raises ConnectionConfigError."""
    configuration = client.Configuration()
    try:
        if environment.get("KUBERNETES_SERVICE_HOST"):
            read = _from_pod(configuration, environment, account)
        else:
            read = await _from_kubeconfig(configuration, environment)
        # The kubeconfig's proxy-url comes before the variables, and they don't exclude it.
        configuration.proxy = configuration.proxy or proxy_for(configuration.host, environment)
    except (ConfigException, OSError, ValueError) as error:
        raise ConnectionConfigError(str(error)) from error
    configuration.connection_pool_maxsize = CONNECTIONS
    return Connection(configuration, Credentials(read))


def _from_pod(
    configuration: client.Configuration, environment: Mapping[str, str], account: Path
) -> Read:
    token = account / "token"
    loader = InClusterConfigLoader(
        token, account / "ca.crt", try_refresh_token=False, environ=environment
    )  # type: ignore[no-untyped-call]
    loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    configuration.api_key = {}
    return from_file(token)


async def _from_kubeconfig(
    configuration: client.Configuration, environment: Mapping[str, str]
) -> Read:
    paths = environment.get("KUBECONFIG") or KUBECONFIG
    merged = KubeConfigMerger(paths)  # type: ignore[no-untyped-call]
    if merged.config is None:
        raise ConnectionConfigError(f"there is no kubeconfig at {paths}")
    loader = KubeConfigLoader(merged.config, config_base_path=None)  # type: ignore[no-untyped-call]
    name = loader.current_context["context"].get("user", "")
    user = merged.config["users"].get_with_name(name, safe=True)
    # The library would read both once.
    own = user.value["user"] or {} if user else {}
    plugin, token = own.pop("exec", None), own.pop("tokenFile", "")
    await loader.load_and_set(configuration)  # type: ignore[no-untyped-call]
    given = configuration.api_key.pop(TOKEN, "")
    if token:
        return from_file(Path(user.path).parent / token)
    if plugin:
        return from_plugin(msgspec.convert(plugin, Plugin), environment)
    return fixed(given)
