"""The ways out of a decoder, tried in a restricted pod with a mounted Secret: none leads out.

On the dev cluster's node the pod is a process of this machine; on a real one, a container with the
worker's image, the runtime's default seccomp profile, and a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import taken_over, ways_out
from support.node_pods import REPORT, Pods, pod

if TYPE_CHECKING:
    from imagejob_dev.client import Client

pytestmark = pytest.mark.kubelet

STORE, SCRATCH = "/var/run/imagejob/stores/uploads", "/scratch"
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_no_way_leads_out_of_a_decoder_in_a_pod(cluster: Client, namespace: str) -> None:
    pods = Pods(cluster, namespace)
    pods.create_secret("uploads", **{taken_over.SECRET: "the secret"})
    subject = pod(
        ["python", "-c", taken_over.as_text()],
        container={
            "securityContext": HARDENED,
            "env": [
                REPORT,
                {"name": "IMAGEJOB_SCRATCH", "value": SCRATCH},
                {"name": "WAYS_OUT_SECRET", "value": f"{STORE}/{taken_over.SECRET}"},
            ],
            "volumeMounts": [
                {"name": "scratch", "mountPath": SCRATCH},
                {"name": "uploads", "mountPath": STORE, "readOnly": True},
            ],
        },
        spec={
            "securityContext": RESTRICTED,
            "volumes": [
                {"name": "scratch", "emptyDir": {}},
                {"name": "uploads", "secret": {"secretName": "uploads", "defaultMode": 0o440}},
            ],
        },
    )

    found = pods.report_of(subject)

    assert [way for way, end in found.items() if not end.startswith(("killed", "refused"))] == []
    assert list(found) == list(ways_out.WAYS)
