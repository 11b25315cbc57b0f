"""A real Kubernetes control plane, a node that runs pods as processes, and an S3 server.

    with Cluster(folder) as cluster:
        cluster.apply("crds")
        print(cluster.kubectl("get", "nodes"))

No root and no containers. Everything listens on 127.0.0.1 only, and ends with the `with` block or,
should this process be killed, with this process.
"""

from __future__ import annotations

import secrets
import shutil
import sys
from functools import partial
from typing import TYPE_CHECKING

from imagejob_dev import controlplane, policies
from imagejob_dev.client import OPERATOR_NAMESPACE, Client
from imagejob_dev.controlplane import Plan
from imagejob_dev.guard import Guard
from imagejob_dev.kubeconfig import Access
from imagejob_dev.ports import free_ports
from imagejob_dev.processnode import NODE_NAME
from imagejob_dev.program import Program
from imagejob_dev.rest import over_tls
from imagejob_dev.s3 import S3Server
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.progress import Progress

# What only a running cluster needs. Logs stay, so that failures can be looked into.
TRANSIENT = ("etcd", "pki", "s3", "s3-metadata", "work")


class Cluster(Client):
    """Not running until it is entered (or `start` is called). `folder` holds all of its state."""

    def __init__(self, folder: Path, progress: Progress | None = None) -> None:
        folder = folder.resolve()
        for part in ("log", "pki", "pods"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)  # it holds tokens and, for running pods, Secrets
        *ports, s3_port = free_ports(6)
        self._plan = plan = Plan(find(progress), folder, *ports)
        self._token = secrets.token_hex(24)
        rest = over_tls(plan.api_port, plan.certificate, self._token)
        super().__init__(folder, plan.programs["kubectl"], plan.kubeconfig, rest, Guard())
        self._set_up_control_plane()
        self.node = self._node(NODE_NAME, folder)
        self.s3 = S3Server(
            self._plan.programs["versitygw"],
            self.folder / "s3",
            self._plan.log("s3"),
            s3_port,
            self._guard,
        )

    @property
    def server(self) -> str:
        return self._plan.server

    @property
    def programs(self) -> tuple[Program, ...]:
        """In the order in which they start."""
        return (
            *(self.etcd, self.apiserver, self.controller_manager, self.scheduler),
            *(self.s3, self.node),
        )

    def start(self) -> None:
        """All at once, for each waits for what it needs; then wait until each one serves."""
        self._plan.tokens.touch(mode=0o600)
        self._plan.tokens.write_text(f"{self._token},admin,admin,system:masters\n")
        self.etcd.launch()
        self.s3.launch()
        self.apiserver.launch()
        self.apiserver.wait_until(self._plan.certificate.with_suffix(".key").exists, "certified")
        Access(self.server, self._plan.certificate).write(self.kubeconfig, self._token)
        self.apiserver.wait_ready()
        for program in (self.controller_manager, self.scheduler, self.node):
            program.launch()
        for program in self.programs:
            program.wait_ready()

    def stop(self) -> None:
        """End everything and remove all state but the logs."""
        for program in reversed(self.programs):
            program.stop()
        self._guard.close()
        for name in TRANSIENT:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def pod_log(self, namespace: str, pod: str, container: str) -> str:
        """Also of a pod that is gone."""
        return (self.folder / "pods" / namespace / pod / f"{container}.log").read_text()

    def _set_up_control_plane(self) -> None:
        plan, rest = self._plan, self.rest
        program = partial(Program, guard=self._guard)
        self.etcd = program(controlplane.etcd(plan), plan.log("etcd"), ready=lambda: True)
        self.apiserver = program(
            controlplane.apiserver(plan),
            plan.log("kube-apiserver"),
            ready=self._api_is_ready,
        )
        self.controller_manager = program(
            controlplane.controller_manager(plan),
            plan.log("kube-controller-manager"),
            # It makes this account, and no pod is admitted before.
            ready=lambda: rest.answers("/api/v1/namespaces/default/serviceaccounts/default"),
        )
        self.scheduler = program(
            controlplane.scheduler(plan), plan.log("kube-scheduler"), ready=lambda: True
        )

    def _api_is_ready(self) -> bool:
        """Once it takes ImageJobs again, if it ever did."""
        return self.rest.answers("/readyz") and policies.in_force_if_installed(
            self.rest, OPERATOR_NAMESPACE
        )

    def another_node(self, name: str) -> Program:
        """A second node on this machine; not started yet."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return self._node(name, folder)

    def _node(self, name: str, folder: Path) -> Program:
        return Program(
            [
                *(sys.executable, "-m", "imagejob_dev.processnode", "--name", name),
                *("--kubeconfig", self.kubeconfig, "--folder", folder),
            ],
            self._plan.log("node" if name == NODE_NAME else name),
            self._guard,
            partial(self._node_is_ready, name),
            grace=5.0,
        )

    def _node_is_ready(self, name: str) -> bool:
        path = f"/api/v1/nodes/{name}"
        if not self.rest.answers(path):
            return False
        conditions = self.rest.get(path)["status"].get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
