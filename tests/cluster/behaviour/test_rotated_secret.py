"""Credentials that have expired cost an attempt, not the ImageJob: the next worker has new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.s3_stores import Stub, answer, serving
from support.tenant import image_job, picture, reason

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

    from support.tenant import Tenant

pytestmark = [pytest.mark.laptop, pytest.mark.usefixtures("operator")]  # a store of this machine

OLD, NEW = "AKIAEXPIREDEXAMPLE", "AKIARENEWEDEXAMPLE"
EXPIRED = (
    b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
)


def knowing_one_key(request: BaseHTTPRequestHandler) -> None:
    request.rfile.read(int(request.headers.get("Content-Length", 0)))
    if NEW in request.path:
        answer(request, 200, picture() if request.command == "GET" else b"")
    else:
        answer(request, 400, EXPIRED)


def test_a_secret_that_is_renewed_between_two_attempts_is_used_by_the_second(
    newcomer: Tenant,
) -> None:
    with serving(Stub(knowing_one_key)) as stub:
        newcomer.apply(
            newcomer.secret(AWS_ACCESS_KEY_ID=OLD),
            newcomer.store(endpoint=stub.endpoint),
            image_job(retries=3),
        )
        waiting = newcomer.wait("cat", lambda status: "lastFailure" in status)
        newcomer.apply(newcomer.secret(AWS_ACCESS_KEY_ID=NEW))
        ended = newcomer.wait_finished("cat")

    failure = waiting["lastFailure"]
    assert (failure["reason"], failure["attempt"]) == ("StorageUnavailable", 1)
    assert failure["message"] == (
        "store uploads can't read incoming/cat.jpg: ExpiredToken: the credentials have expired; "
        'another worker reads the Secret again; the store says "The provided token has expired."'
    )
    assert (ended["phase"], reason(ended)) == ("Succeeded", "Succeeded")
    assert ended["attempts"] > 1
