"""A cluster that runs already, wherever it comes from: kind, a cloud, ../shared/cluster.

    with AttachedCluster(folder, kubeconfig, "imagejob-worker:ci", "10.244.0.1") as cluster:
        cluster.install()

It is left running, with what was installed into it.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from imagejob_dev.client import Client
from imagejob_dev.guard import Guard
from imagejob_dev.ports import free_ports
from imagejob_dev.program import Program
from imagejob_dev.rest import over_socket
from imagejob_dev.s3 import S3Server
from imagejob_dev.tools.catalogue import KUBERNETES, VERSITYGW
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from pathlib import Path


class AttachedCluster(Client):
    """Talks through `kubectl proxy`, which knows every way to log in that kubectl knows.

    The proxy listens on a socket in `folder`, which only its owner can reach. The S3 server listens
    at `address`, an address of this machine that the cluster's pods can reach.
    """

    def __init__(self, folder: Path, kubeconfig: Path, worker_image: str, address: str) -> None:
        programs = find(modules=(KUBERNETES, VERSITYGW))
        (folder / "log").mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        guard, socket = Guard(), folder / "api.sock"
        super().__init__(folder, programs["kubectl"], kubeconfig, over_socket(socket), guard)
        self.worker_image = worker_image
        self.address = address
        self._proxy = Program(
            # A socket that is ours alone: nothing has to be kept from it, as exec is by default.
            [self.kubectl_program, "proxy", f"--unix-socket={socket}", "--reject-paths=^$"],
            folder / "log" / "proxy.log",
            guard,
            ready=lambda: self.rest.answers("/readyz"),
            environment={**os.environ, "KUBECONFIG": str(kubeconfig)},
        )
        (port,) = free_ports(1, address)
        log = folder / "log" / "s3.log"
        self.s3 = S3Server(programs["versitygw"], folder / "s3", log, port, guard, address)

    def start(self) -> None:
        """Reach the cluster, and serve S3."""
        self._proxy.launch()
        self.s3.start()
        self._proxy.wait_ready()

    def stop(self) -> None:
        """Let the cluster go."""
        self.s3.stop()
        self._proxy.stop()
        self._guard.close()
        shutil.rmtree(self.s3.folder, ignore_errors=True)

    def pod_log(self, namespace: str, pod: str, container: str) -> str:
        """What the kubelet has kept of it."""
        return self.kubectl("logs", f"--namespace={namespace}", pod, f"--container={container}")
