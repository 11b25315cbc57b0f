"""Invalid values: rejected before anything is rendered, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.errors import DevError

if TYPE_CHECKING:
    from support.helm_chart import Helm

WRONG: dict[str, tuple[str, Any, str]] = {
    "a misspelt name": ("replica", 2, "additional properties 'replica' not allowed"),
    "a misspelt name below": ("worker.labls", {}, "additional properties 'labls' not allowed"),
    "a tag in the repository": ("image.repository", "ghcr.io/x/y:1", "does not match pattern"),
    "a digest of another kind": ("worker.image.digest", "md5:0", "does not match pattern"),
    "a policy that there isn't": ("image.pullPolicy", "Sometimes", "must be one of"),
    "replicas as text": ("replicas", "two", "want integer"),
    "negative replicas": ("replicas", -1, "minimum"),
    "a lease too short": ("leaderElection.leaseSeconds", 1, "minimum"),
    "a level that there isn't": ("logLevel", "LOUD", "must be one of"),
    "a privileged port": ("port", 80, "minimum"),
    "no rate": ("quota.default", [], "minItems"),
    "a rate in words": ("quota.default", ["50 per hour"], "does not match pattern"),
    "a rate of nothing": ("quota.default", ["0/1h"], "does not match pattern"),
    "a rate without a number": ("quota.default", ["50/h"], "does not match pattern"),
    "a format that isn't decoded": ("formats", ["svg"], "must be one of"),
    "a size in words": ("limits.maxBytes", "much", "does not match pattern"),
    "a size of nothing": ("limits.maxBytes", 0, "minimum"),
    "more than an hour": ("limits.maxTimeoutSeconds", 3601, "maximum"),
    "more retries than may be asked for": ("limits.maxRetries", 11, "maximum"),
    "a slowness in words": ("limits.minBytesPerSecond", "fast", "does not match pattern"),
    "a share in per cent": ("reservedWorkerShare", 25, "maximum"),
    "a unit that there isn't": ("worker.scratchSize", "5GB", "does not match pattern"),
    "a sandbox that there isn't": ("worker.sandbox", "perhaps", "must be one of"),
    "CPU as memory": ("worker.cpu", "250Mi", "does not match pattern"),
    "a fraction of a CPU": ("worker.cpu", 0.5, "want"),
    "more lanes than images": ("worker.parallelism", 17, "maximum"),
    "memory without a unit that is": ("worker.memory.large.pod", "3Gib", "does not match pattern"),
    "our own label": (
        "worker.labels",
        {"imagejob.dev/component": "tea"},
        "/worker/labels/imagejob.dev~1component",
    ),
    "a label that is none": ("podLabels", {"a b": "c"}, "a b"),
    "the chart's own label": (
        "commonLabels",
        {"app.kubernetes.io/name": "x"},
        "kubernetes.io~1name",
    ),
    "an annotation that is no text": ("worker.annotations", {"a": True}, "want string"),
    "an effect that there isn't": ("worker.tolerations", [{"effect": "No"}], "must be one of"),
    "a setting past its value": (
        "extraEnv",
        [{"name": "IMAGEJOB_QUOTA", "value": "9/1s"}],
        "'not' failed",
    ),
    "a switch as text": ("crds.keep", "no", "want boolean"),
    "all replicas away": ("podDisruptionBudget.maxUnavailable", "0%", "does not match pattern"),
    "a tenant that is no namespace": ("tenants", ["Team_A"], "does not match pattern"),
    "a quota without a number": ("tenantQuota", {"pods": "many"}, "does not match pattern"),
    "an account with a space": ("policies.workers.managers", ["a b"], "does not match pattern"),
    "an address without a length": ("networkPolicy.apiServer.cidrs", ["10.0.0.1"], "anyOf"),
    "a network that is an address": ("stores.internalCidrs", ["10.96.12.7"], "anyOf"),
    "no port": ("networkPolicy.apiServer.ports", [], "minItems"),
    "a peer that is none": ("networkPolicy.metricsFrom", [{"namespace": "x"}], "namespace"),
    "a bucket without its endpoint": ("stores.allowed", [{"buckets": ["x"]}], "endpoint"),
    "an endpoint of another kind": (
        "stores.allowed",
        [{"endpoint": "ftp://x", "buckets": ["x"]}],
        "does not match pattern",
    ),
    "an interval without a unit": ("metrics.serviceMonitor.interval", "30", "does not match"),
}

LINK_LOCAL = (
    *("169.254.169.254/32", "169.254.0.0/16", "169.254.0.0/17", "169.0.0.0/8", "169.252.0.0/14"),
    *("128.0.0.0/1", "168.0.0.0/7", "0.0.0.0/1", "169.254.0.0/15"),
    *("fe80::/10", "FE80::1/128", "febf::/16", "fe00::/8", "8000::/1", "f000::/4"),
    *("::ffff:169.254.169.254/128", "0:0:0:0:0:ffff:a9fe:a9fe/128"),
)


@pytest.mark.parametrize(("path", "value", "why"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_by_name(helm: Helm, path: str, value: object, why: str) -> None:
    names = path.split(".")

    with pytest.raises(DevError) as refusal:
        helm.template(nested(names, value))

    assert "values don't meet the specifications" in str(refusal.value)
    assert why in str(refusal.value)
    assert names[-1] in str(refusal.value)


@pytest.mark.parametrize("cidr", LINK_LOCAL)
def test_workers_can_be_given_no_link_local_address(helm: Helm, cidr: str) -> None:
    egress = [{"cidrs": [cidr], "ports": [80]}]

    with pytest.raises(DevError, match="/networkPolicy/workers/egress/0/cidrs/0"):
        helm.template({"networkPolicy": {"workers": {"egress": egress}}})


def nested(path: list[str], value: object) -> dict[str, Any]:
    """`a.b` → {"a": {"b": value}}."""
    for name in reversed(path[1:]):
        value = {name: value}
    return {path[0]: value}
