"""A fresh control plane for one run: dev's, with kwok in the place of the node."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev.client import CHART, CRDS, MANIFESTS, OPERATOR, OPERATOR_NAMESPACE
from imagejob_dev.cluster import Cluster
from imagejob_dev.operators import operator
from imagejob_dev.program import Program
from imagejob_dev.tools.catalogue import KWOK
from imagejob_dev.tools.find import find

from operatorbench import accounting, fakenode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from imagejob_dev.rest import Object

NODE_SECONDS = 60.0
MASTER = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "benchmark"},
    "roleRef": {
        "apiGroup": "rbac.authorization.k8s.io",
        "kind": "ClusterRole",
        "name": "cluster-admin",
    },
    "subjects": [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": OPERATOR_NAMESPACE}],
}


class Plane(Cluster):
    """Running once it is entered. Whichever operator works on it does so under our account."""

    def start(self) -> None:
        super().start()
        self.rest.post("/api/v1/nodes", fakenode.NODE)
        self.wait_for("/api/v1/nodes", _untainted, NODE_SECONDS)
        for schema in accounting.flow_schemas(OPERATOR_NAMESPACE, OPERATOR):
            self.rest.post(accounting.FLOW_SCHEMAS, schema)

    def install_kinds(self) -> None:
        """The CRDs and the account, which may do anything: all that a simple operator needs."""
        self.apply(CRDS, MANIFESTS, CHART / "roles")
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        self.rest.post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", MASTER)

    def baseline(self, program: Path) -> Program:
        """An operator that isn't ours, under our account; not started yet."""
        account = self.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)
        log = self.folder / "log" / f"{program.stem}.log"
        return operator(account, log, self._guard, {}, program=(program,))

    def namespaces(self, count: int) -> Sequence[str]:
        """So many new ones, each ready to take pods."""
        names = [f"team-{number:02}" for number in range(count)]
        for name in names:
            self.rest.post("/api/v1/namespaces", {"metadata": {"name": name}})
        for name in names:
            path = f"/api/v1/namespaces/{name}/serviceaccounts"
            self.wait_for(path, lambda accounts: accounts or None)
        return names

    def pids(self) -> Mapping[str, int]:
        """The control plane's processes, and the node's."""
        programs = (self.apiserver, self.etcd, self.controller_manager, self.scheduler, self.node)
        return {program.name: program.pid for program in programs if program.pid}

    @property
    def etcd_port(self) -> int:
        return self._plan.etcd_port

    def _node(self, name: str, folder: Path) -> Program:  # noqa: ARG002 (kwok is every node)
        stages = fakenode.configure(folder / "stages.yaml")
        command = fakenode.command(find(modules=(KWOK,)), self.kubeconfig, stages)
        return Program(command, self._plan.log("kwok"), self._guard, ready=lambda: True)


def _untainted(nodes: list[Object]) -> bool | None:
    return any(not node["spec"].get("taints") for node in nodes) or None
