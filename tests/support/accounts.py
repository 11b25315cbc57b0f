"""The operator's own view of a cluster, in the test process, with some account's rights."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from imagejob_operator.kube import client
from imagejob_operator.kube.errors import ApiError
from imagejob_operator.kube.resources import IMAGE_JOBS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from imagejob_dev.client import Client

SECONDS = 60.0
RIGHTS = "rbac.authorization.k8s.io"


def run(kubeconfig: Path, do: Callable[[client.Cluster], Awaitable[Any]]) -> Any:
    """What `do` returns, given the cluster as that file's account sees it."""
    return asyncio.run(_connected(kubeconfig, do))


async def _connected(kubeconfig: Path, do: Callable[[client.Cluster], Awaitable[Any]]) -> Any:
    async with client.connect(environment={"KUBECONFIG": str(kubeconfig)}) as cluster:
        return await do(cluster)


def allow_to_list(cluster: Client, namespace: str) -> Path:
    """Let the namespace's default account list all ImageJobs; return its kubeconfig once it may.

    The right ends with the namespace.
    """
    uid = cluster.rest.get(f"/api/v1/namespaces/{namespace}")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}
    meta = {"name": f"{namespace}-lists", "ownerReferences": [owner]}
    rule = {"apiGroups": ["imagejob.dev"], "resources": ["imagejobs"], "verbs": ["list"]}
    role = {"kind": "ClusterRole", "rules": [rule]}
    binding = {
        "kind": "ClusterRoleBinding",
        "roleRef": {"apiGroup": RIGHTS, "kind": "ClusterRole", "name": meta["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
    }
    for body in (role, binding):
        text = json.dumps({"apiVersion": f"{RIGHTS}/v1", "metadata": meta, **body})
        cluster.kubectl("create", "--filename=-", stdin=text)
    kubeconfig = cluster.kubeconfig_for(namespace, "default")
    run(kubeconfig, _until_it_may_list)
    return kubeconfig


async def _until_it_may_list(cluster: client.Cluster) -> None:
    """The API server learns of rights by a watch."""
    deadline = asyncio.get_running_loop().time() + SECONDS
    while True:
        try:
            async for _ in cluster.pages(IMAGE_JOBS):
                pass
        except ApiError:
            assert asyncio.get_running_loop().time() < deadline
        else:
            return
