"""The command lines of a control plane on the loopback interface, for throw-away clusters only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Plan:
    """Where everything of one cluster is: programs, folder, ports."""

    programs: Mapping[str, Path]
    folder: Path
    etcd_port: int
    etcd_peer_port: int
    api_port: int
    controller_port: int
    scheduler_port: int

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def certificate(self) -> Path:
        """The API server's, with the authority behind it; the API server makes them itself."""
        return self.folder / "pki" / "apiserver.crt"

    @property
    def tokens(self) -> Path:
        return self.folder / "pki" / "tokens.csv"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def log(self, program: str) -> Path:
        return self.folder / "log" / f"{program}.log"


def etcd(plan: Plan) -> list[str | Path]:
    client, peer = (f"http://127.0.0.1:{port}" for port in (plan.etcd_port, plan.etcd_peer_port))
    return [
        *(plan.programs["etcd"], "--name=default", f"--data-dir={plan.folder / 'etcd'}"),
        "--unsafe-no-fsync",  # this data is thrown away, and fsync is most of a write's time
        *("--quota-backend-bytes=8589934592", "--log-level=warn"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        f"--initial-cluster=default={peer}",
    ]


def apiserver(plan: Plan) -> list[str | Path]:
    # The API server writes a key and a certificate to cert-dir when it finds none, before it reads
    # the other files: one key for TLS and for tokens spares this cluster a tool that makes keys.
    key = plan.certificate.with_suffix(".key")
    return [
        *(plan.programs["kube-apiserver"], f"--etcd-servers=http://127.0.0.1:{plan.etcd_port}"),
        *("--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"),
        # No Service may lead to the loopback interface, so `kubernetes` leads nowhere. Since 1.37
        # an API server doesn't start if it were to try.
        "--endpoint-reconciler-type=none",
        *(f"--secure-port={plan.api_port}", f"--cert-dir={plan.certificate.parent}"),
        *(f"--token-auth-file={plan.tokens}", "--authorization-mode=RBAC"),
        *(f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}"),
        "--service-account-issuer=https://kubernetes.default.svc",
        *("--service-cluster-ip-range=10.96.0.0/16", "--allow-privileged"),
        *("--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000"),
    ]


def controller_manager(plan: Plan) -> list[str | Path]:
    return [
        *(plan.programs["kube-controller-manager"], f"--kubeconfig={plan.kubeconfig}"),
        *("--bind-address=127.0.0.1", f"--secure-port={plan.controller_port}"),
        *(f"--cert-dir={plan.folder / 'pki' / 'controller-manager'}", "--leader-elect=false"),
        *(f"--root-ca-file={plan.certificate}", "--use-service-account-credentials=true"),
        *("--concurrent-job-syncs=10", "--kube-api-qps=500", "--kube-api-burst=1000"),
    ]


def scheduler(plan: Plan) -> list[str | Path]:
    return [
        *(plan.programs["kube-scheduler"], f"--kubeconfig={plan.kubeconfig}"),
        *("--bind-address=127.0.0.1", f"--secure-port={plan.scheduler_port}"),
        *(f"--cert-dir={plan.folder / 'pki' / 'scheduler'}", "--leader-elect=false"),
        *("--kube-api-qps=500", "--kube-api-burst=1000"),
    ]
