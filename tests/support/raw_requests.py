"""Requests to the API server as any user, whatever the response: kubectl sends only valid ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagejob_dev.rest import Answer

from support.conditions import until

if TYPE_CHECKING:
    from imagejob_dev.client import Client

FORBIDDEN = 403
KINDS_OF_PATCH = {
    "PATCH": "merge",
    "JSON PATCH": "json-patch",
    "APPLY": "apply",
}
IMAGING = "/apis/imagejob.dev/v1alpha1/namespaces/HERE"
WORKER = "ij-abcdefghijklmnop-x2k9q"
"""A pod's name, as the Job controller derives it from a worker Job's."""
IN_A_WORKER = f"/api/v1/namespaces/HERE/pods/{WORKER}/exec?command=id"
EVICTION = f"/api/v1/namespaces/HERE/pods/{WORKER}/eviction"
EVICTED = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": WORKER}}


@dataclass(frozen=True)
class Attacker:
    """A user that the administrator impersonates."""

    cluster: Client
    user: str
    namespace: str

    def send(self, method: str, path: str, body: object = None) -> Answer:
        """`method` may be one of KINDS_OF_PATCH. HERE in the path is replaced by the namespace."""
        rest = self.cluster.rest.with_headers(Impersonate_User=self.user)
        verb = "PATCH" if method in KINDS_OF_PATCH else method
        kind = KINDS_OF_PATCH.get(method, "json")
        return rest.send(verb, path.replace("HERE", self.namespace), body, kind)


def attacker(cluster: Client, namespace: str, role: str) -> Attacker:
    """A user with that ClusterRole in the namespace, at least `edit`; ready when the role and the
    policies against it are in force.
    """
    user = f"{role}-{namespace}"
    bound = (f"--clusterrole={role}", f"--user={user}", f"--namespace={namespace}")
    cluster.kubectl("create", "rolebinding", user, *bound)
    made = Attacker(cluster, user, namespace)
    until(lambda: "imagejob-worker-shells" in made.send("POST", IN_A_WORKER).text)
    # In the same file, and the last one in it.
    until(lambda: "imagejob-worker-evictions" in made.send("POST", EVICTION, EVICTED).text)
    return made
