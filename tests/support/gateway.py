"""This checkout's gateway as a process, and its clients."""

from __future__ import annotations

import http.client
import json
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import jwt
from imagejob_dev.client import GATEWAY_CHART
from imagejob_dev.gateways import PROGRAM, RIGHTS
from imagejob_dev.ports import LOOPBACK, free_ports

from support import namespaces
from support.answers import Answer
from support.helm_chart import of
from support.tenant import Tenant, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from imagejob_dev.client import Client
    from imagejob_dev.program import Program

    from support.helm_chart import Helm
    from support.tenant import Body

ISSUER, AUDIENCE = "https://issuer.example", "imagejob-gateway"
SCOPES = "upload read delete"
SECONDS = 30.0


def claims(subject: str = "alice", scope: str = SCOPES, **changes: Any) -> dict[str, Any]:
    """The claims of a token that is valid for a minute; a change to None leaves one out."""
    now = int(time.time())
    given = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "iat": now,
        "exp": now + 60,
        "scope": scope,
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


class Gateway(NamedTuple):
    """A gateway that runs, and the key that its tokens are signed with."""

    port: int
    key: bytes
    program: Program
    metrics_port: int

    def token(self, subject: str = "alice", scope: str = SCOPES, **changes: Any) -> str:
        return jwt.encode(claims(subject, scope, **changes), self.key, "HS256")

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        token: str | None = None,
        **headers: str,
    ) -> Answer:
        """Send a request; underscores in names of headers become dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=SECONDS)
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            answered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, answered, response.read())
        finally:
            connection.close()


@contextmanager
def running(
    team: Tenant,
    folder: Path,
    key: bytes = b"",
    name: str = "gateway",
    program: Sequence[str | Path] = PROGRAM,
    **settings: Any,
) -> Iterator[Gateway]:
    """A gateway of the team's namespace, once it is ready; two replicas have one `key`.

    The namespace needs the account of the chart: see `give_rights`. `program` runs in its place.
    """
    port, metrics_port = free_ports(2)
    key = key or secrets.token_hex(32).encode()
    listens = {"metricsListen": f"{LOOPBACK}:{metrics_port}"}
    path = _configure(team, folder / name, port, key, listens | settings)
    with team.cluster.gateway(team.namespace, path, port, name, program) as started:
        yield Gateway(port, key, started, metrics_port)


@contextmanager
def fresh_team(cluster: Client, helm: Helm, *outputs: Body) -> Iterator[Tenant]:
    """A team in a fresh namespace, with a store, the profile `web` of these outputs, and the
    rights that the chart gives its gateway, and no others."""
    with namespaces.fresh(cluster) as name:
        team = Tenant(cluster, name)
        team.open()
        team.apply(ours("ImageProfile", "web", {"outputs": list(outputs)}))
        give_rights(team, helm)
        yield team


def give_rights(team: Tenant, helm: Helm) -> None:
    """Create the account of the chart in the team's namespace, with its rights and no others, and
    the ConfigMaps of the state."""
    bodies = helm.template({}, chart=GATEWAY_CHART, namespace=team.namespace)
    team.apply(*(each for kind in RIGHTS for each in of(bodies, kind)))


def unnamed(team: Tenant) -> set[str]:
    """Originals that no ImageJob names."""
    items = team.cluster.rest.get(team.path("imagejobs"))["items"]
    named = {item["spec"]["source"]["key"] for item in items}
    stored = set(team.keys())
    return {key for key in stored if key.startswith("uploads/")} - named


def _configure(
    team: Tenant, folder: Path, port: int, key: bytes, settings: Mapping[str, Any]
) -> Path:
    """Write what the kubelet would mount."""
    store = folder / "store"
    store.mkdir(parents=True)
    for entry, value in team.secret()["stringData"].items():
        (store / entry).write_text(value)
    (folder / "key").write_bytes(key)
    path = folder / "settings.json"
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "keyFile": str(folder / "key")}
    given = {
        "namespace": team.namespace,
        "listen": f"{LOOPBACK}:{port}",
        "stores": [{"name": "uploads", "credentials": str(store)}],
        "profiles": [{"name": "web"}],
        "issuers": [issuer],
        "internalCidrs": [f"{LOOPBACK}/32"],
        "logFormat": "text",
        **settings,
    }
    path.write_text(json.dumps(given))
    return path
