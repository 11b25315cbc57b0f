"""Every value of the gateway's chart, as a real API server accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_dev.client import GATEWAY_CHART
from support.paths import DATA

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster
    from support.helm_chart import Helm, Values

FILES = DATA / "chart"
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
SPREAD = {
    "topologyKey": "topology.kubernetes.io/zone",
    "maxSkew": 1,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "gateway"}},
}
LABELS = {"release": "prometheus"}

CASES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "an Ingress": {
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "50m"},
            "hosts": ["images.example.com", "*.images.example.com"],
            "tlsSecretName": "images-tls",
        }
    },
    "an HTTPRoute": {
        "httpRoute": {
            "enabled": True,
            "annotations": {"example.com/note": "yes: no"},
            "parentRefs": [{"name": "public", "namespace": "infra", "sectionName": "https"}],
            "hostnames": ["images.example.com"],
        }
    },
    "a load balancer": {
        "service": {"type": "LoadBalancer", "annotations": {"example.com/scheme": "internal"}}
    },
    "network policies": {"networkPolicy": {"enabled": True}},
    "narrow network policies": {
        "networkPolicy": {
            "enabled": True,
            "from": [PEER],
            "metricsFrom": [PEER],
            "apiServer": {"cidrs": ["10.0.0.1/32", "fd12::1/128"], "ports": [16443]},
            "dns": {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]},
            "egress": [{"cidrs": ["10.96.0.0/12", "0.0.0.0/0", "::/0"], "ports": [9000, 443]}],
            "except": ["10.0.0.0/8", "fd00::/8"],
        }
    },
    "where and how it runs": {
        "replicas": 3,
        "podDisruptionBudget": {"maxUnavailable": "50%"},
        "topologySpreadConstraints": [SPREAD],
        "priorityClassName": "system-cluster-critical",
        "preStopSeconds": 10,
        "terminationGracePeriodSeconds": 60,
        "podAnnotations": {"example.com/note": "yes: no"},
        "podLabels": {"sidecar.istio.io/inject": "false"},
        "commonLabels": {"team": "platform"},
    },
    "no metrics": {"metrics": {"enabled": False}},
    "monitoring": {
        "metrics": {
            "port": 9090,
            "serviceMonitor": {
                "enabled": True,
                "interval": "1m",
                "scrapeTimeout": "30s",
                "labels": LABELS,
            },
            "prometheusRule": {"enabled": True, "labels": LABELS},
        }
    },
}


@pytest.fixture(scope="module")
def equipped(bare: Cluster) -> Cluster:
    """With stand-ins for the CRDs of the Prometheus operator and of the Gateway API."""
    for name in ("monitoring-stand-ins", "gateway-api-stand-in"):
        bare.apply(FILES / f"{name}.yaml")
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    return bare


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_the_api_server_takes_it(helm: Helm, equipped: Cluster, values: Values) -> None:
    bodies = helm.template(values, chart=GATEWAY_CHART, namespace="default")

    answer = equipped.kubectl(
        *("apply", "--server-side", "--dry-run=server", "--filename=-"),
        stdin=yaml.safe_dump_all(bodies),
    )

    assert answer.count("serverside-applied (server dry run)") == len(bodies)
