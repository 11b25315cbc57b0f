"""Which programs there are, and the pinned Go module (`dev/tools/<name>/go.mod`) of each."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@dataclass(frozen=True)
class Module:
    """A folder of `dev/tools`: one go.mod that pins `path`, and the programs built from it."""

    name: str
    path: str
    programs: Mapping[str, str]  # program → its Go package
    tags: str = ""  # Go's build tags

    @property
    def folder(self) -> Path:
        return TOOLS / self.name

    @property
    def version(self) -> str:
        """The pinned version of `path`, without its leading v."""
        text = (self.folder / "go.mod").read_text()
        found = re.search(rf"^(?:require)?\s*{re.escape(self.path)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise LookupError(f"{self.folder / 'go.mod'} does not pin {self.path}")
        return found.group(1)

    @property
    def go_version(self) -> tuple[int, ...]:
        """The oldest Go that can build it."""
        text = (self.folder / "go.mod").read_text()
        found = re.search(r"^go (\d+)\.(\d+)", text, re.MULTILINE)
        if not found:
            raise LookupError(f"{self.folder / 'go.mod'} has no go line")
        return tuple(int(part) for part in found.groups())

    @property
    def ldflags(self) -> str:
        """For the linker: smaller, and what some programs know of themselves from nowhere else."""
        return " ".join(
            ["-s -w", *(f"-X {name}={value}" for name, value in self._variables.items())]
        )

    @property
    def _variables(self) -> Mapping[str, str]:
        """Go variable → what the linker sets it to."""
        known = {"kubernetes": self._kubernetes_variables, "helm": self._helm_variables}
        return known[self.name]() if self.name in known else {}

    def _kubernetes_variables(self) -> Mapping[str, str]:
        """Linker flags with the version: without them the API server reports v0.0.0."""
        version = "k8s.io/component-base/version"
        major, minor, _ = self.version.split(".")
        return {
            f"{version}.gitVersion": f"v{self.version}",
            f"{version}.gitMajor": major,
            f"{version}.gitMinor": minor,
        }

    def _helm_variables(self) -> Mapping[str, str]:
        """Without them `helm template` and `helm lint` take the cluster for Kubernetes 1.20."""
        _, minor, _ = KUBERNETES.version.split(".")
        kubernetes = {
            f"helm.sh/helm/v3/pkg/{package}.k8sVersion{part}": value
            for package in ("chartutil", "lint/rules")
            for part, value in (("Major", "1"), ("Minor", minor))
        }
        return {"helm.sh/helm/v3/internal/version.version": f"v{self.version}", **kubernetes}

    @property
    def stamp(self) -> str:
        """The cache folder's name. It follows all that it is built of: any bump builds anew."""
        files = [self.folder / "go.mod", self.folder / "go.sum", *sorted(self.folder.glob("*.go"))]
        pinned = hashlib.sha256(b"".join(file.read_bytes() for file in files))
        for name, value in self._variables.items():
            pinned.update(f"{name}={value}\n".encode())
        return f"{self.name}-{self.version}-{pinned.hexdigest()[:12]}"


ETCD = Module("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"})
KUBERNETES = Module(
    "kubernetes",
    "k8s.io/kubernetes",
    {
        program: f"k8s.io/kubernetes/cmd/{program}"
        for program in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    },
)
VERSITYGW = Module(
    "versitygw",
    "github.com/versity/versitygw",
    {"versitygw": "github.com/versity/versitygw/cmd/versitygw"},
)
KWOK = Module("kwok", "sigs.k8s.io/kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"})
# Helm 3, for Argo CD and Flux render charts with it; the chart uses nothing that Helm 4 lacks.
HELM = Module("helm", "helm.sh/helm/v3", {"helm": "helm.sh/helm/v3/cmd/helm"})
# Its targets are given: what finds those of clouds is the most of it, and is left out. It
# is for tests of metrics and alerts, and has no web interface.
PROMETHEUS = Module(
    "prometheus",
    "github.com/prometheus/prometheus",
    {
        program: f"github.com/prometheus/prometheus/cmd/{program}"
        for program in ("prometheus", "promtool")
    },
    tags="remove_all_sd",
)
# A program of ours around what Argo CD and Flux find out the health of objects with.
HEALTH = Module("health", "github.com/fluxcd/pkg/runtime", {"health": "imagejob.dev/tools/health"})

MODULES = (KUBERNETES, ETCD, VERSITYGW)
"""What a cluster is made of."""

EXTRAS = (KWOK, HELM, PROMETHEUS, HEALTH)
"""Optional programs: benchmarks use kwok's fake node instead of the cluster's own."""
