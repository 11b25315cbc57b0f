"""Every value of the chart, both ways, as a real API server accepts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from imagejob_dev.client import CHART
from support.helm_chart import STAMPS, Values, merged
from support.paths import DATA

if TYPE_CHECKING:
    from imagejob_dev.cluster import Cluster
    from support.helm_chart import Helm

FILES = DATA / "chart"
OFF: Values = {"crds": {"enabled": False}}  # large, and the same in each case except their own
TOLERATION = {"key": "images", "operator": "Exists", "effect": "NoSchedule"}
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
SPREAD = {
    "topologyKey": "topology.kubernetes.io/zone",
    "maxSkew": 1,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "operator"}},
}
ON_LINUX = {
    "matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]
}

CASES: dict[str, Values] = {
    "as it comes": {"crds": {"enabled": True}},
    "CRDs that go with the release": {"crds": {"enabled": True, "keep": False}},
    "every setting": yaml.safe_load((FILES / "every-setting.yaml").read_text()),
    "the operator's image": {
        "image": {
            "repository": "registry.test:5000/mirror/imagejob-operator",
            "tag": "1.2.3-rc.1",
            "digest": f"sha256:{'a' * 64}",
            "pullPolicy": "Always",
        },
        "imagePullSecrets": ["registry", {"name": "mirror"}],
        "worker": {"image": {"tag": "1.2.3"}},
    },
    "one operator": {"replicas": 1},
    "three operators, of which any may be away": {
        "replicas": 3,
        "podDisruptionBudget": {"maxUnavailable": "50%"},
    },
    "no budget for disruptions": {"podDisruptionBudget": {"enabled": False}},
    "where the operator runs": {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [
            TOLERATION,
            {"operator": "Exists", "tolerationSeconds": 30, "effect": "NoExecute"},
        ],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [ON_LINUX]}
            }
        },
        "topologySpreadConstraints": [SPREAD],
        "priorityClassName": "system-cluster-critical",
        "terminationGracePeriodSeconds": 60,
    },
    "what is written on it": {
        "podAnnotations": {"example.com/note": "yes: no"},
        "podLabels": {"sidecar.istio.io/inject": "false"},
        "commonLabels": {"team": "platform"},
    },
    "its environment and resources": {
        "extraEnv": [
            {"name": "HTTPS_PROXY", "value": "http://proxy.test:3128"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "resources": {
            "requests": {"cpu": "1", "memory": "1Gi"},
            "limits": {"cpu": 2, "memory": "2Gi"},
        },
    },
    "no roles aggregated": {"rbac": {"aggregate": {"view": False, "edit": False, "stores": False}}},
    "no policies": {
        "policies": {
            name: {"enabled": False}
            for name in ("requester", "workers", "events", "gateways", "stores")
        }
    },
    "who may touch workers": {
        "policies": {
            "workers": {
                "managers": ["system:serviceaccount:kueue-system:kueue-controller-manager"],
                "evictors": ["system:serviceaccount:kube-tools:descheduler", "it's&<odd>"],
            }
        }
    },
    "a quota of objects": {
        "tenants": ["team-a", "team-b"],
        "tenantQuota": {"count/imagejobs.imagejob.dev": 5000, "limits.memory": "64Gi"},
    },
    "stores of the platform's": {
        "stores": {
            "allowed": [
                {
                    "endpoint": "https://s3.eu-central-1.amazonaws.com",
                    "buckets": ["media-*", "raw"],
                },
                {"endpoint": "http://minio.storage:9000", "buckets": ["*"]},
            ],
            "claims": ["images-*"],
        }
    },
    "network policies": {"networkPolicy": {"enabled": True}, "tenants": ["team-a", "team-b"]},
    "narrow network policies": {
        "tenants": ["team-a"],
        "networkPolicy": {
            "enabled": True,
            "metricsFrom": [PEER],
            "apiServer": {"cidrs": ["10.0.0.1/32", "fd12::1/128"], "ports": [16443]},
            "dns": {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]},
            "workers": {
                "egress": [
                    {"cidrs": ["10.96.0.0/12", "169.61.0.0/16"], "ports": [9000, 443]},
                    {"cidrs": ["0.0.0.0/0"], "ports": [443]},
                ],
                "except": ["10.0.0.0/8", "fd00::/8"],
            },
        },
    },
    "no metrics": {"metrics": {"enabled": False}},
    "monitoring": {
        "metrics": {
            "serviceMonitor": {
                "enabled": True,
                "interval": "1m",
                "scrapeTimeout": "30s",
                "labels": {"release": "prometheus"},
            },
            "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
            "dashboard": {
                "enabled": True,
                "labels": {"grafana_dashboard": "yes"},
                "annotations": {"grafana_folder": "Imaging"},
            },
        }
    },
}


@pytest.fixture(scope="module")
def monitored(bare: Cluster) -> Cluster:
    """With stand-ins for the CRDs of the Prometheus operator."""
    bare.apply(FILES / "monitoring-stand-ins.yaml")
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    return bare


@pytest.mark.parametrize("values", CASES.values(), ids=CASES)
def test_the_api_server_takes_it(helm: Helm, monitored: Cluster, values: Values) -> None:
    bodies = helm.template(merged(OFF, values), f"--api-versions={STAMPS}")

    text = yaml.safe_dump_all(bodies)
    answer = monitored.kubectl(
        "apply", "--server-side", "--dry-run=server", "--filename=-", stdin=text
    )

    assert answer.count("serverside-applied (server dry run)") == len(bodies)


def test_every_value_is_in_some_case() -> None:
    everything = yaml.safe_load((CHART / "values.yaml").read_text())
    tried = {path for values in CASES.values() for path in leaves(values)}

    missing = [
        path for path in leaves(everything) if not any(each[: len(path)] == path for each in tried)
    ]

    assert missing == []


def leaves(values: Values, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The paths of all values that are no object, or an empty one."""
    found: list[tuple[str, ...]] = []
    for name, value in values.items():
        nested = isinstance(value, dict) and value
        found += leaves(value, (*above, name)) if nested else [(*above, name)]
    return found
