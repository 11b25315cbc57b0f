"""Accounts for further operators, with the chart's rights or fewer, each in its own namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from imagejob_dev.client import CHART, OPERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from imagejob_dev.client import Client

    from support.tenant import Body

ROLES = CHART / "roles" / "operator.yaml"
API = "/apis/rbac.authorization.k8s.io/v1"


def account(cluster: Client, namespace: str, rules: Sequence[Body] = ()) -> None:
    """Make the namespace, and in it the account of an operator, whose ledgers and Lease are there.

    `rules` are its rights in the whole cluster.
    """
    post, own = cluster.rest.post, f"{API}/namespaces/{namespace}"
    post("/api/v1/namespaces", {"metadata": {"name": namespace}})
    meta = {"name": OPERATOR}
    post(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": meta})
    subjects = [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": namespace}]
    post(f"{own}/roles", {"metadata": meta, "rules": _rules("Role")})
    binding = {"metadata": meta, "subjects": subjects}
    post(f"{own}/rolebindings", {**binding, "roleRef": _reference("Role", OPERATOR)})
    post(f"{API}/clusterroles", {"metadata": {"name": namespace}, "rules": list(rules)})
    binding = {"metadata": {"name": namespace}, "subjects": subjects}
    reference = _reference("ClusterRole", namespace)
    post(f"{API}/clusterrolebindings", {**binding, "roleRef": reference})


def revoke(cluster: Client, namespace: str) -> None:
    """Take its rights in its namespace away: the Lease and the ledgers."""
    cluster.rest.delete(f"{API}/namespaces/{namespace}/rolebindings/{OPERATOR}")


def all_but(resource: str, *verbs: str) -> Iterator[Body]:
    """The rights of the chart in the whole cluster, without these verbs for a resource."""
    for rule in _rules("ClusterRole"):
        others = [each for each in rule["resources"] if each != resource]
        left = [each for each in rule["verbs"] if each not in verbs]
        if others:
            yield {**rule, "resources": others}
        if others != rule["resources"] and left:
            yield {**rule, "resources": [resource], "verbs": left}


def _rules(kind: str) -> list[Body]:
    found = (each for each in yaml.safe_load_all(ROLES.read_text()) if each["kind"] == kind)
    rules: list[Body] = next(found)["rules"]
    return rules


def _reference(kind: str, name: str) -> Body:
    return {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
