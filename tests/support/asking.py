"""ImageJobs created by various users, and the requester that the API server recorded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from imagejob_dev.policies import REQUESTED_BY

from support.tenant import Body, image_job

if TYPE_CHECKING:
    from support.actors import Actor

FORGED = {REQUESTED_BY: "mallory"}


def manifest(**metadata: Any) -> str:
    """ImageJob `cat`, unless its metadata says otherwise."""
    body = image_job()
    body["metadata"] |= metadata
    return json.dumps(body)


def create(actor: Actor, text: str, verb: tuple[str, ...] = ("create",)) -> Body:
    """Return the created ImageJob, as the API server has it."""
    created = actor.kubectl(*verb, "-f", "-", "--output=json", stdin=text)
    answer: Body = json.loads(created)
    return read(actor, answer["metadata"]["name"])


def read(actor: Actor, name: str = "cat") -> Body:
    body: Body = json.loads(actor.kubectl("get", "imagejob", name, "--output=json"))
    return body


def requester(body: Body) -> str | None:
    name: str | None = body["metadata"].get("annotations", {}).get(REQUESTED_BY)
    return name
