"""What the gateway's chart has around its pods: Services, policies, routes, monitoring, a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from imagejob_dev.client import GATEWAY_CHART
from imagejob_dev.errors import DevError
from support.helm_chart import Body, of, one
from support.metadata_services import metadata_services

if TYPE_CHECKING:
    from support.helm_chart import Helm, Values

TEAM = "team-b"
MONITORED = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
ROUTED: dict[str, Any] = {
    "ingress": {"enabled": True, "hosts": ["images.example.com"], "tlsSecretName": "tls"},
    "httpRoute": {
        "enabled": True,
        "parentRefs": [{"name": "public"}],
        "hostnames": ["images.example.com"],
    },
}
ALL: dict[str, Any] = {"metrics": MONITORED, "networkPolicy": {"enabled": True}, **ROUTED}


def template(helm: Helm, values: Values) -> list[Body]:
    return helm.template(values, chart=GATEWAY_CHART, namespace=TEAM)


@pytest.fixture(scope="module")
def whole(helm: Helm) -> list[Body]:
    return template(helm, ALL)


def is_selected(selector: Body, labels: Body) -> bool:
    return selector.items() <= labels.items()


def test_selectors_meet_the_gateway_s_pods_and_not_that_of_the_test(whole: list[Body]) -> None:
    deployment = one(whole, "Deployment")["spec"]
    selectors = {
        "Deployment": deployment["selector"]["matchLabels"],
        "PodDisruptionBudget": one(whole, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        "NetworkPolicy": one(whole, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        **{each["metadata"]["name"]: each["spec"]["selector"] for each in of(whole, "Service")},
    }
    pods = deployment["template"]["metadata"]["labels"]
    other = one(whole, "Pod")["metadata"]["labels"]

    for kind, selector in selectors.items():
        assert is_selected(selector, pods), kind
        assert not is_selected(selector, other), kind


def test_metrics_are_on_no_port_that_is_routed_to(whole: list[Body]) -> None:
    api, metrics = (
        one(whole, "Service", name) for name in ("imagejob-gateway", "imagejob-gateway-metrics")
    )
    rules = one(whole, "Ingress")["spec"]["rules"]
    backends = one(whole, "HTTPRoute")["spec"]["rules"][0]["backendRefs"]

    assert [each["targetPort"] for each in api["spec"]["ports"]] == ["http"]
    assert [each["targetPort"] for each in metrics["spec"]["ports"]] == ["metrics"]
    routed = rules[0]["http"]["paths"][0]["backend"]["service"]
    assert routed == {"name": api["metadata"]["name"], "port": {"name": "http"}}
    assert backends == [{"name": api["metadata"]["name"], "port": api["spec"]["ports"][0]["port"]}]


def test_the_servicemonitor_selects_the_metrics_service_only(whole: list[Body]) -> None:
    selector = one(whole, "ServiceMonitor")["spec"]["selector"]["matchLabels"]

    selected = [
        each["metadata"]["name"]
        for each in of(whole, "Service")
        if is_selected(selector, each["metadata"]["labels"])
    ]
    assert selected == ["imagejob-gateway-metrics"]


def test_the_alerts_are_those_of_the_plain_file_about_this_namespace(whole: list[Body]) -> None:
    file = GATEWAY_CHART / "rules" / "gateway.yaml"

    groups = one(whole, "PrometheusRule")["spec"]["groups"]

    text = file.read_text().replace('namespace="team-a"', f'namespace="{TEAM}"')
    assert groups == yaml.safe_load(text)["groups"]
    for rule in groups[0]["rules"]:
        assert f'namespace="{TEAM}"' in rule["expr"], rule["alert"]


def test_nothing_of_it_is_there_unless_asked_for(helm: Helm) -> None:
    kinds = {each["kind"] for each in template(helm, {})}

    assert not kinds & {"Ingress", "HTTPRoute", "NetworkPolicy", "ServiceMonitor", "PrometheusRule"}


def test_there_is_a_budget_for_disruptions_where_there_are_two(helm: Helm) -> None:
    alone, two = (template(helm, {"replicas": count}) for count in (1, 2))

    assert not of(alone, "PodDisruptionBudget")
    assert one(two, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_without_metrics_nothing_listens_for_them(helm: Helm) -> None:
    bodies = template(helm, {"metrics": {"enabled": False}})

    (container,) = one(bodies, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in container["ports"]] == ["http"]
    assert (
        '"metricsListen": ""'
        in one(bodies, "ConfigMap", "imagejob-gateway")["data"]["settings.json"]
    )
    assert [each["metadata"]["name"] for each in of(bodies, "Service")] == ["imagejob-gateway"]


def test_the_network_policy_leaves_out_what_serves_credentials(whole: list[Body]) -> None:
    policy = one(whole, "NetworkPolicy")["spec"]

    dns, api_server, stores = policy["egress"]
    assert {each["port"] for each in dns["ports"]} == {53}
    assert {each["port"] for each in api_server["ports"]} == {443, 6443}
    excepted = {each["ipBlock"]["cidr"]: each["ipBlock"]["except"] for each in stores["to"]}
    assert "169.254.0.0/16" in excepted["0.0.0.0/0"]
    assert "fe80::/10" in excepted["::/0"]
    assert metadata_services() - {*excepted["0.0.0.0/0"], *excepted["::/0"]} == set()
    assert [each["ports"] for each in policy["ingress"]] == [
        [{"port": "http"}],
        [{"port": "metrics"}],
    ]


STORE = {"cidrs": ["10.1.0.0/16"], "ports": [9000]}
KEYCLOAK = {"cidrs": ["10.2.0.0/16", "fd00:2::/64"], "ports": [8080, 8443]}
PUBLISHES = {"algorithm": "RS256", "jwksUrl": "https://keycloak.auth:8443/keys"}
ELSEWHERE = {"secretName": "jwt"}


def reached(helm: Helm, keys: Values, **values: Any) -> list[tuple[list[str], list[int]]]:
    """Addresses and ports of stores and issuers, of a gateway with one issuer."""
    issuers = [{"issuer": "i", "audience": "a", **keys}]
    given = {"networkPolicy": {"enabled": True, **values}, "auth": {"issuers": issuers}}
    _, _, *rules = one(template(helm, given), "NetworkPolicy")["spec"]["egress"]
    return [
        ([to["ipBlock"]["cidr"] for to in rule["to"]], [port["port"] for port in rule["ports"]])
        for rule in rules
    ]


def test_the_network_policy_reaches_issuers_that_publish_their_keys(helm: Helm) -> None:
    anywhere = (["0.0.0.0/0", "::/0"], [443])
    store, keycloak = ((each["cidrs"], each["ports"]) for each in (STORE, KEYCLOAK))

    assert reached(helm, PUBLISHES) == [anywhere]
    assert reached(helm, PUBLISHES, egress=[STORE]) == [store, anywhere]
    assert reached(helm, PUBLISHES, egress=[STORE], issuers=[KEYCLOAK]) == [store, keycloak]
    assert reached(helm, ELSEWHERE, egress=[STORE], issuers=[KEYCLOAK]) == [store]


def test_the_network_policy_admits_the_named_and_the_test(helm: Helm) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"a": "b"}}}]
    bodies = template(helm, {"networkPolicy": {"enabled": True, "from": peers}})

    api, metrics = one(bodies, "NetworkPolicy")["spec"]["ingress"]
    named, test = api["from"]
    assert [named] == peers
    assert is_selected(test["podSelector"]["matchLabels"], one(bodies, "Pod")["metadata"]["labels"])
    assert "from" not in metrics


def test_its_pods_are_restricted(whole: list[Body]) -> None:
    for spec in (one(whole, "Deployment")["spec"]["template"]["spec"], one(whole, "Pod")["spec"]):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


REFUSED: dict[str, tuple[Values, str]] = {
    "metrics where the API is": ({"metrics": {"port": 8080}}, "metrics.port"),
    "a ServiceMonitor of nothing": (
        {"metrics": {"enabled": False, "serviceMonitor": {"enabled": True}}},
        "metrics.serviceMonitor.enabled needs",
    ),
    "an Ingress for any host": ({"ingress": {"enabled": True}}, "ingress.hosts"),
    "an HTTPRoute of no Gateway": ({"httpRoute": {"enabled": True}}, "httpRoute.parentRefs"),
    "egress to a metadata service": (
        {"networkPolicy": {"egress": [{"cidrs": ["169.254.169.254/32"], "ports": [80]}]}},
        "egress",
    ),
    "keys at a metadata service": (
        {"networkPolicy": {"issuers": [{"cidrs": ["169.254.169.254/32"], "ports": [80]}]}},
        "issuers",
    ),
    "a label of ours": ({"commonLabels": {"app.kubernetes.io/component": "x"}}, "commonLabels"),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused(helm: Helm, values: Values, message: str) -> None:
    with pytest.raises(DevError, match=message):
        template(helm, values)


def test_it_is_without_a_fault_for_lint_with_everything(helm: Helm) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", GATEWAY_CHART, values=ALL)
