"""Kubeconfig files for the cluster's accounts."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from imagejob_dev.rest import Object


@dataclass(frozen=True)
class Access:
    """How to reach one API server and be believed; `certificate` is the file that it shows."""

    server: str
    certificate: Path

    def write(self, file: Path, token: str) -> Path:
        """Write the kubeconfig of the account that `token` is of."""
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        cluster = {"server": self.server, "certificate-authority-data": authority}
        context = {"cluster": "imagejob-dev", "user": "imagejob-dev", "namespace": "default"}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "imagejob-dev", "cluster": cluster}],
            "users": [{"name": "imagejob-dev", "user": {"token": token}}],
            "contexts": [{"name": "imagejob-dev", "context": context}],
            "current-context": "imagejob-dev",
        }
        return save(file, config)


def for_account(config: Object, token: str, namespace: str) -> Object:
    """A kubeconfig of one context, made that of the account that `token` is of."""
    (user,), (context,) = config["users"], config["contexts"]
    return {
        **config,
        "users": [{"name": user["name"], "user": {"token": token}}],
        "contexts": [{**context, "context": {**context["context"], "namespace": namespace}}],
    }


def save(file: Path, config: Object) -> Path:
    """Write a kubeconfig that only its owner can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(config, stream, indent=1)  # JSON is YAML, and needs no library
    return file
