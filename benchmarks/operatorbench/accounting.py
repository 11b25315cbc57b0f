"""What the API server was asked, by its own metrics: all requests, and those of the operator.

`apiserver_request_total` counts by verb and resource, but not by who asked. Flow schemas match an
account, a verb and a resource, and their requests are counted too: one schema for each kind of
request that an operator makes tells what it alone did. They are of the level `exempt`, so that no
side waits for another.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.rest import Object, Rest

FLOW_SCHEMAS = "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas"
WRITES = ("create", "update", "patch", "delete", "deletecollection")
READS = ("get", "list", "watch")
RESOURCES = (
    ("imagejob.dev", "imagejobs"),
    ("imagejob.dev", "imagejobs/status"),
    ("imagejob.dev", "imagequotas/status"),
    ("batch", "jobs"),
    ("", "pods"),
    ("", "configmaps"),
    ("coordination.k8s.io", "leases"),
)
REST = "other"
PREFIX = "bench"
TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.5
SETTLE_SECONDS = 300.0

_SAMPLE = re.compile(r"^(\w+)\{(.*)\} (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_VERBS = {
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "APPLY": "patch",
    "DELETE": "delete",
    "DELETECOLLECTION": "deletecollection",
}


class Request(NamedTuple):
    """A kind of request; `resource` with its subresource, such as `pods/status`."""

    verb: str
    resource: str

    @property
    def is_write(self) -> bool:
        return self.verb in WRITES

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}"


class Requests(NamedTuple):
    """How many of each kind: by everybody (writes only), and by the operator."""

    everybody: Counter[Request]
    operator: Counter[Request]

    def since(self, before: Requests) -> Requests:
        """Those that have come since."""
        return Requests(self.everybody - before.everybody, self.operator - before.operator)

    def writes(self) -> tuple[int, int]:
        """By everybody, and by the operator."""
        mine = sum(count for request, count in self.operator.items() if request.is_write)
        return self.everybody.total(), mine


def flow_schemas(namespace: str, account: str) -> Iterator[Object]:
    """What counts the requests of a service account. A tie goes to the name that sorts first."""
    subject = {
        "kind": "ServiceAccount",
        "serviceAccount": {"namespace": namespace, "name": account},
    }
    kinds = [(verb, *resource) for verb in WRITES for resource in RESOURCES]
    kinds += [(verb, "*", "events") for verb in WRITES]
    for verb, group, resource in kinds:
        yield _schema(Request(verb, resource), group, subject, 2)
    for verb in (*WRITES, *READS):
        yield _schema(Request(verb, REST), "*", subject, 3)


def _schema(request: Request, group: str, subject: Object, precedence: int) -> Object:
    rule = {
        "verbs": [request.verb],
        "apiGroups": [group],
        "resources": ["*" if request.resource == REST else request.resource],
        "clusterScope": True,
        "namespaces": ["*"],
    }
    return {
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1",
        "kind": "FlowSchema",
        "metadata": {"name": _name(request)},
        "spec": {
            "matchingPrecedence": precedence,
            "priorityLevelConfiguration": {"name": "exempt"},
            "rules": [{"subjects": [subject], "resourceRules": [rule]}],
        },
    }


def _name(request: Request) -> str:
    return f"{PREFIX}.{request.verb}.{request.resource.replace('/', '.')}"


def _request(name: str) -> Request | None:
    prefix, _, rest = name.partition(".")
    verb, _, resource = rest.partition(".")
    return Request(verb, resource.replace(".", "/")) if prefix == PREFIX else None


def read(rest: Rest) -> Requests:
    """All so far."""
    return parse(_metrics(rest))


def parse(metrics: str) -> Requests:
    """The counts in what the API server says under /metrics."""
    everybody: Counter[Request] = Counter()
    operator: Counter[Request] = Counter()
    for metric, text, value in _SAMPLE.findall(metrics):
        if metric == "apiserver_request_total":
            labels = dict(_LABEL.findall(text))
            if labels["verb"] in _VERBS and not labels.get("dry_run"):
                resource = "/".join(filter(None, (labels["resource"], labels["subresource"])))
                everybody[Request(_VERBS[labels["verb"]], resource)] += int(float(value))
        elif metric == "apiserver_flowcontrol_dispatched_requests_total":
            request = _request(dict(_LABEL.findall(text))["flow_schema"])
            if request:
                operator[request] += int(float(value))
    return Requests(everybody, operator)


def settled(rest: Rest, quiet: float = 3.0, seconds: float = SETTLE_SECONDS) -> Requests:
    """Once nobody has written for `quiet` seconds, but for leases. Raises TimeoutError."""
    last, since = read(rest), time.monotonic()
    deadline = since + seconds
    while (now := time.monotonic()) < since + quiet:
        if now > deadline:
            raise TimeoutError(f"there was no end of writes in {seconds:.0f} s")
        time.sleep(POLL_SECONDS)
        fresh = read(rest)
        if _lasting(fresh) != _lasting(last):
            last, since = fresh, time.monotonic()
    return last


def _lasting(requests: Requests) -> Counter[Request]:
    """Without what goes on for ever."""
    idle = ("leases", "nodes/status")
    kept = {each: n for each, n in requests.everybody.items() if each.resource not in idle}
    return Counter(kept)


def _metrics(rest: Rest) -> str:
    with rest.session(TIMEOUT_SECONDS) as session:
        return session.send("GET", "/metrics").text
