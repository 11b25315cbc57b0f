"""What the gateway's account may: the API server is asked about every kind that it serves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest
from imagejob_dev.gateways import ACCOUNT
from support import gateway as gateways
from support import namespaces
from support.conditions import until
from support.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.helm_chart import Helm

READ = frozenset({"get", "list", "watch"})
VERBS = (*READ, "create", "update", "patch", "delete", "deletecollection", "bind", "escalate")
VERBS += ("impersonate",)

MAY = {
    "imagejobs.imagejob.dev": READ | {"create", "delete"},
    "imageprofiles.imagejob.dev": READ,
    "imagestores.imagejob.dev": READ,
    "imagequotas.imagejob.dev": READ,
}
"""What it may, of any name, in its namespace. Nothing else, nowhere else."""

ON_BEHALF_OF = "imagejobs.imagejob.dev/on-behalf-of"
"""A right about no object: the admission policy asks who has it."""

NAMED = {("configmaps", f"imagejob-gateway-state-{number:02}") for number in range(16)}
NAMED_VERBS = {"get", "patch"}


class Cell(NamedTuple):
    resource: str
    verb: str
    name: str = ""


class Account(NamedTuple):
    cluster: Client
    namespace: str

    def may(self, cell: Cell, where: str) -> bool:
        """Ask the API server's authorizer; `where` is "" for the whole cluster."""
        kind, _, subresource = cell.resource.partition("/")
        resource, _, group = kind.partition(".")
        groups = ("serviceaccounts", f"serviceaccounts:{self.namespace}", "authenticated")
        spec = {
            "user": f"system:serviceaccount:{self.namespace}:{ACCOUNT}",
            "groups": [f"system:{each}" for each in groups],
            "resourceAttributes": {
                "namespace": where,
                "verb": cell.verb,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "name": cell.name,
            },
        }
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.cluster.rest.post(path, {"spec": spec})["status"]["allowed"])

    def allowed(self, cells: list[Cell], where: str) -> set[Cell]:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda cell: self.may(cell, where), cells))
        return {cell for cell, answer in zip(cells, answers, strict=True) if answer}


@pytest.fixture(scope="module")
def account(cluster: Client, helm: Helm) -> Iterator[Account]:
    with namespaces.fresh(cluster) as name:
        gateways.give_rights(Tenant(cluster, name), helm)
        found = Account(cluster, name)
        # It learns of rights by a watch.
        until(lambda: found.may(Cell("imagejobs.imagejob.dev", "create"), name), seconds=20.0)
        yield found


@pytest.fixture(scope="module")
def served(cluster: Client) -> list[str]:
    """Every namespaced resource and subresource that the API server serves."""
    rest = cluster.rest
    versions = ["/api/v1"]
    versions += [
        f"/apis/{group['preferredVersion']['groupVersion']}"
        for group in rest.get("/apis")["groups"]
    ]
    found = []
    for path in versions:
        listed = rest.get(path)
        group = listed["groupVersion"].rpartition("/")[0]
        for each in listed["resources"]:
            kind, _, subresource = each["name"].partition("/")
            if each["namespaced"]:
                suffix = (f".{group}" if group else "") + (f"/{subresource}" if subresource else "")
                found.append(kind + suffix)
    return found


def test_in_its_namespace_it_may_what_the_table_says_and_nothing_else(
    account: Account, served: list[str]
) -> None:
    assert {"secrets", "pods/exec", *MAY} <= {*served}
    cells = [Cell(*pair) for pair in product([*served, ON_BEHALF_OF], VERBS)]

    allowed = account.allowed(cells, account.namespace)

    expected = {Cell(kind, verb) for kind, verbs in MAY.items() for verb in verbs}
    assert allowed == expected | {Cell(ON_BEHALF_OF, "create")}


def test_of_configmaps_it_may_use_its_own_by_name(account: Account) -> None:
    cells = [
        Cell(resource, verb, name)
        for resource, name in {*NAMED, ("configmaps", "imagejob-gateway"), ("configmaps", "x")}
        for verb in VERBS
    ]

    allowed = account.allowed(cells, account.namespace)

    assert allowed == {Cell(*pair[:1], verb, pair[1]) for pair in NAMED for verb in NAMED_VERBS}


@pytest.mark.parametrize("where", ["default", ""], ids=["another namespace", "the cluster"])
def test_elsewhere_it_may_nothing(account: Account, served: list[str], where: str) -> None:
    of_the_cluster = ["namespaces", "nodes", "clusterroles.rbac.authorization.k8s.io"]
    kinds = ["secrets", "configmaps", "pods", "serviceaccounts/token", *MAY]
    kinds += [] if where else of_the_cluster
    assert {*kinds} - {*of_the_cluster} <= {*served}

    assert account.allowed([Cell(*pair) for pair in product(kinds, VERBS)], where) == set()
