"""Who may do what: the API server is asked about each cell of the table in docs/security.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest
from imagejob_dev.client import OPERATOR, OPERATOR_NAMESPACE
from imagejob_dev.errors import DevError
from support.actors import bind, person
from support.conditions import until
from support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client
    from support.api import Api

PAGE = ROOT / "docs" / "security.md"

MATRIX = """\
                                                        operator worker view  edit  admin platform nobody
in the tenant's namespace
  imagejobs.imagejob.dev                                   rd      -     r     rw    rw      r       -
  imagejobs.imagejob.dev/status                            u       -     -     -     -       -       -
  imagejobs.imagejob.dev/on-behalf-of                      -       -     -     -     -       -       -
  imageprofiles.imagejob.dev                               r       -     r     rw    rw      r       -
  imagestores.imagejob.dev                                 r       -     r     rw    rw      r       -
  imagequotas.imagejob.dev                                 r       -     r     r     r       rw      -
  imagequotas.imagejob.dev/status                          u       -     -     -     -       -       -
  jobs.batch                                               rcd     -     r     rw    rw      -       -
  jobs.batch/status                                        -       -     r     r     r       -       -
  pods                                                     rd      -     r     rw    rw      -       -
  pods/status                                              -       -     r     r     r       -       -
  pods/log                                                 -       -     r     r     r       -       -
  pods/exec                                                -       -     -     rw    rw      -       -
  pods/ephemeralcontainers                                 -       -     -     -     -       -       -
  events                                                   lcp     -     r     rw    rw      -       -
  events.events.k8s.io                                     cp      -     .     .     .       -       -
  secrets                                                  -       -     -     rw    rw      -       -
  configmaps                                               -       -     r     rw    rw      -       -
  persistentvolumeclaims                                   -       -     r     rw    rw      -       -
  serviceaccounts                                          -       -     r     rwi   rwi     -       -
  serviceaccounts/token                                    -       -     -     c     c       -       -
  roles.rbac.authorization.k8s.io                          -       -     -     -     rw      -       -
  rolebindings.rbac.authorization.k8s.io                   -       -     -     -     rw      -       -
in another tenant's namespace
  imagejobs.imagejob.dev                                   rd      -     -     -     -       r       -
  imagestores.imagejob.dev                                 r       -     -     -     -       r       -
  imagequotas.imagejob.dev                                 r       -     -     -     -       rw      -
  secrets                                                  -       -     -     -     -       -       -
  configmaps                                               -       -     -     -     -       -       -
  jobs.batch                                               rcd     -     -     -     -       -       -
in the namespace imagejob-system
  configmaps                                               rcupd   -     -     -     -       -       -
  leases.coordination.k8s.io                               rcup    -     -     -     -       -       -
  secrets                                                  -       -     -     -     -       -       -
  pods                                                     rd      -     -     -     -       -       -
  pods/exec                                                -       -     -     -     -       -       -
  serviceaccounts/token                                    -       -     -     -     -       -       -
  imagejobs.imagejob.dev                                   rd      -     -     -     -       r       -
in the whole cluster
  namespaces                                               -       -     -     -     -       -       -
  customresourcedefinitions.apiextensions.k8s.io           -       -     -     -     -       -       -
  secrets                                                  -       -     -     -     -       -       -
  configmaps                                               -       -     -     -     -       -       -
  nodes                                                    -       -     -     -     -       -       -
  nodes/proxy                                              -       -     -     -     -       -       -
  persistentvolumes                                        -       -     -     -     -       -       -
  serviceaccounts                                          -       -     -     -     -       -       -
  users                                                    -       -     -     -     -       -       -
  groups                                                   -       -     -     -     -       -       -
  clusterroles.rbac.authorization.k8s.io                   -       -     -     -     -       -       -
  clusterrolebindings.rbac.authorization.k8s.io            -       -     -     -     -       -       -
  validatingadmissionpolicies.admissionregistration.k8s.io -       -     -     -     -       -       -
  mutatingadmissionpolicies.admissionregistration.k8s.io   -       -     -     -     -       -       -
  certificatesigningrequests.certificates.k8s.io           -       -     -     -     -       -       -
"""  # noqa: E501 (a table)
# A letter is a verb, r all that read and w all that write; a dot depends on Kubernetes' version.
WORDS = ("get", "list", "create", "update", "patch", "delete", "bind", "escalate", "impersonate")
VERBS = {word[0]: word for word in WORDS} | {"h": "watch", "D": "deletecollection"}
SHORT = {"r": "glh", "w": "cupdD"}
ACTORS = MATRIX.splitlines()[0].split()


class Cell(NamedTuple):
    place: str
    resource: str
    actor: str
    letters: str

    def verbs(self) -> set[str]:
        return {
            VERBS[each] for letter in self.letters.strip("-") for each in SHORT.get(letter, letter)
        }


def cells() -> Iterator[Cell]:
    place = ""
    for line in MATRIX.splitlines()[1:]:
        if line.startswith("in "):
            place = line.removeprefix("in ").removeprefix("the ")
            continue
        resource, *row = line.split()
        yield from (Cell(place, resource, *pair) for pair in zip(ACTORS, row, strict=True))


CELLS = [cell for cell in cells() if cell.letters != "."]


@dataclass(frozen=True)
class Authorizer:
    """The API server's authorizer. `namespaces` and `users` are those of the table."""

    api: Api
    namespaces: dict[str, str]
    users: dict[str, tuple[str, list[str]]]

    def allows(self, cell: Cell, verb: str) -> bool:
        resource, _, subresource = cell.resource.partition("/")
        resource, _, group = resource.partition(".")
        attributes = {
            "namespace": self.namespaces[cell.place],
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
        }
        user, groups = self.users[cell.actor]
        spec = {"user": user, "groups": groups, "resourceAttributes": attributes}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        allowed: bool = self.api.post(path, {"spec": spec})["status"]["allowed"]
        return allowed


@pytest.fixture(scope="module")
def authorizer(api: Api, cluster: Client, shared_namespace: str, platform: str) -> Authorizer:
    users = {name: (name, ["system:authenticated"]) for name in (platform, "nobody")}
    for role in ("view", "edit", "admin"):
        actor = person(cluster, shared_namespace, role)
        bind(actor, role, ("get", "imagejobs.imagejob.dev"))
        users[role] = (role, ["system:authenticated"])
    users["operator"] = account(OPERATOR_NAMESPACE, OPERATOR)
    users["worker"] = account(shared_namespace, "default")
    namespaces = {
        "tenant's namespace": shared_namespace,
        "another tenant's namespace": "default",
        "namespace imagejob-system": OPERATOR_NAMESPACE,
        "whole cluster": "",
    }
    return Authorizer(api, namespaces, users)


@pytest.fixture(scope="module")
def platform(cluster: Client, shared_namespace: str) -> Iterator[str]:
    """A user bound to the chart's platform role in the whole cluster."""
    binding = ("clusterrolebinding", f"{shared_namespace}-platform")
    cluster.kubectl("create", *binding, "--clusterrole=imagejob-platform", "--user=platform")
    someone = person(cluster, "default", "platform")
    until(lambda: someone.may("create", "imagequotas.imagejob.dev"))
    yield "platform"
    cluster.kubectl("delete", *binding)


def account(namespace: str, name: str) -> tuple[str, list[str]]:
    """A ServiceAccount, as the authorizer knows it."""
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    return f"system:serviceaccount:{namespace}:{name}", [*groups, "system:authenticated"]


@pytest.mark.parametrize(
    "cell", CELLS, ids=lambda cell: f"{cell.actor}-{cell.resource}-{cell.place}"
)
def test_who_may_do_what(authorizer: Authorizer, cell: Cell) -> None:
    allowed = {verb for verb in VERBS.values() if authorizer.allows(cell, verb)}

    assert allowed == cell.verbs()


def test_there_are_enough_cells_for_everybody() -> None:
    assert len(CELLS) >= 80
    assert {cell.actor for cell in CELLS} == set(ACTORS)


def test_the_documentation_shows_this_very_table() -> None:
    assert MATRIX in PAGE.read_text()


CORE, BATCH, IMAGING = "/api/v1", "/apis/batch/v1", "/apis/imagejob.dev/v1alpha1"
RBAC, OWN = "/apis/rbac.authorization.k8s.io/v1", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}"
FORBIDDEN = {
    "read all Secrets": ("get", f"{CORE}/secrets"),
    "watch all Secrets": ("get", f"{CORE}/secrets?watch=1"),
    "read the Secrets of its own namespace": ("get", f"{OWN}/secrets"),
    "read a tenant's Secrets": ("get", f"{CORE}/namespaces/HERE/secrets"),
    "read a tenant's Secret": ("get", f"{CORE}/namespaces/HERE/secrets/uploads-s3"),
    "make a pod": ("create", f"{CORE}/namespaces/HERE/pods"),
    "get a shell": ("create", f"{CORE}/namespaces/HERE/pods/x/exec?command=id"),
    "read a pod's log": ("get", f"{CORE}/namespaces/HERE/pods/x/log"),
    "make a tenant's token": ("create", f"{CORE}/namespaces/HERE/serviceaccounts/default/token"),
    "make a token of its own": ("create", f"{OWN}/serviceaccounts/{OPERATOR}/token"),
    "give a role": ("create", f"{RBAC}/namespaces/HERE/rolebindings"),
    "give a role everywhere": ("create", f"{RBAC}/clusterrolebindings"),
    "make a role": ("create", f"{RBAC}/namespaces/HERE/roles"),
    "raise its own role": ("replace", f"{RBAC}/clusterroles/{OPERATOR}"),
    "change an ImageJob": ("replace", f"{IMAGING}/namespaces/HERE/imagejobs/cat"),
    "make an ImageJob": ("create", f"{IMAGING}/namespaces/HERE/imagejobs"),
    "make an ImageStore": ("create", f"{IMAGING}/namespaces/HERE/imagestores"),
    "raise a quota": ("replace", f"{IMAGING}/namespaces/HERE/imagequotas/default"),
    "change a Job": ("replace", f"{BATCH}/namespaces/HERE/jobs/x"),
}


@pytest.fixture(scope="module")
def token(cluster: Client) -> str:
    return f"--kubeconfig={cluster.kubeconfig_for(OPERATOR_NAMESPACE, OPERATOR)}"


@pytest.mark.parametrize("case", FORBIDDEN)
def test_the_operator_may_not(
    cluster: Client, shared_namespace: str, token: str, case: str
) -> None:
    verb, path = FORBIDDEN[case]
    body = () if verb == "get" else ("--filename=-",)

    with pytest.raises(DevError, match=r"[Ff]orbidden"):
        cluster.kubectl(
            *(token, verb, "--raw", path.replace("HERE", shared_namespace), *body), stdin="{}"
        )


def test_the_operator_may_not_act_as_somebody_else(cluster: Client, token: str) -> None:
    for flags in (("--as=admin",), ("--as=x", "--as-group=system:masters")):
        with pytest.raises(DevError, match="cannot impersonate"):
            cluster.kubectl(token, "get", "--raw", "/api/v1/secrets", *flags)
