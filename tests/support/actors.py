"""Users other than the administrator: tenants, as the API server and kubectl know them."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagejob_dev import command

from support.conditions import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from imagejob_dev.client import Client


@dataclass(frozen=True)
class Actor:
    """`user` is their name for the API server; `kubeconfig` and `flags` make kubectl that user."""

    cluster: Client
    namespace: str
    user: str
    kubeconfig: Path
    flags: tuple[str, ...] = ()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as this user in their namespace; DevError with its message if it fails."""
        program, home = self.cluster.kubectl_program, self.cluster.folder
        words: list[str | Path] = [
            program,
            f"--namespace={self.namespace}",
            *self.flags,
            *arguments,
        ]
        return command.run(words, home, self.kubeconfig, stdin)

    def may(self, verb: str, what: str, namespace: str | None = None) -> bool:
        """Ask the API server's authorizer. `what` is resource.group/subresource."""
        resource, _, subresource = what.partition("/")
        resource, _, group = resource.partition(".")
        attributes = {
            "namespace": namespace or self.namespace,
            "verb": verb,
            "group": group,
            "resource": resource,
            "subresource": subresource,
        }
        review = {"spec": {"user": self.user, "resourceAttributes": attributes}}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        allowed: bool = self.cluster.rest.post(path, review)["status"]["allowed"]
        return allowed


def person(cluster: Client, namespace: str, name: str, *groups: str) -> Actor:
    """A user, by impersonation: the cluster knows no users but its administrator."""
    flags = (f"--as={name}", *(f"--as-group={group}" for group in groups))
    return Actor(cluster, namespace, name, cluster.kubeconfig, flags)


def account(cluster: Client, namespace: str, name: str) -> Actor:
    """A new ServiceAccount of the namespace, with its own token."""
    cluster.kubectl("create", "serviceaccount", name, f"--namespace={namespace}")
    user = f"system:serviceaccount:{namespace}:{name}"
    return Actor(cluster, namespace, user, cluster.kubeconfig_for(namespace, name))


def bind(actor: Actor, role: str, proof: tuple[str, str]) -> Actor:
    """Give them a ClusterRole in their namespace; `proof` is what they can do once it works."""
    actor.cluster.kubectl(
        *("create", "rolebinding", f"--namespace={actor.namespace}"),
        *(f"{role}-{secrets.token_hex(4)}", f"--clusterrole={role}", f"--user={actor.user}"),
    )
    until(lambda: actor.may(*proof))
    return actor


@contextmanager
def evicts_everywhere(actor: Actor) -> Iterator[None]:
    """They may evict pods in all namespaces, as people who drain nodes do, and nothing more."""
    name = f"drainer-{secrets.token_hex(4)}"
    kubectl = actor.cluster.kubectl
    kubectl("create", "clusterrole", name, "--verb=create", "--resource=pods/eviction")
    kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", f"--user={actor.user}")
    try:
        until(lambda: actor.may("create", "pods/eviction", "default"))
        yield
    finally:
        kubectl("delete", f"clusterrolebinding/{name}", f"clusterrole/{name}")


def editor(actor: Actor) -> Actor:
    """Give them Kubernetes' own role `edit`, as tenants have."""
    return bind(actor, "edit", ("create", "imagejobs.imagejob.dev"))
