"""A store that refuses, or says that its credentials have expired: a proxy before real S3."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.s3_stores import Stub, answer, forwarding, serving
from support.tenant import image_job, is_finished

from .workers import ENOUGH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from http.server import BaseHTTPRequestHandler

    from imagejob_dev.s3 import S3Server

    from support.alerting import Provoke, Site
    from support.tenant import Body

Answers = dict[str, tuple[int, bytes]]

ANSWERS: Answers = {
    "expired": (400, b"<Code>ExpiredToken</Code><Message>The token has expired</Message>"),
    "archived": (403, b"<Code>InvalidObjectState</Code><Message>Restore it first</Message>"),
    "disabled": (400, b"<Code>KMS.DisabledException</Code><Message>The key is disabled</Message>"),
    "locked": (403, b"<Code>AccessDenied</Code><Message>Protected by object lock</Message>"),
    "elsewhere": (301, b"<Code>PermanentRedirect</Code><Region>eu-central-1</Region>"),
}
"""By the first folder of an object's key."""


def proxy(server: S3Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Pass on what is in none of these folders."""
    forward = forwarding(server)

    def do(request: BaseHTTPRequestHandler) -> None:
        folder = request.path.split("/")[2]
        if folder not in ANSWERS:
            return forward(request)
        request.rfile.read(int(request.headers.get("Content-Length", 0)))
        status, words = ANSWERS[folder]
        return answer(request, status, b"<Error>" + words + b"</Error>")

    return do


def refusing(*folders: str) -> Provoke:
    """As many ImageJobs fail as the alert needs, with a folder after the other."""
    return _answering(folders, is_finished)


def with_expired_credentials() -> Provoke:
    """Each ImageJob waits for its second attempt."""
    return _answering(["expired"], lambda status: "lastFailure" in status)


def _answering(folders: Sequence[str], is_told: Callable[[Body], bool]) -> Provoke:
    @contextmanager
    def provoke(site: Site) -> Iterator[float]:
        team = site.team()
        with serving(Stub(proxy(site.cluster.s3))) as stub:
            began = time.time()
            bodies = [_image_job(n, folders[n % len(folders)]) for n in range(ENOUGH)]
            team.apply(team.secret(), team.store(endpoint=stub.endpoint), *bodies)
            team.wait_all(is_told, ENOUGH)
            yield began

    return provoke


def _image_job(number: int, folder: str) -> Body:
    """Objects are archived where they are read, and locked where they are written."""
    name = f"{folder}-{number}"
    if folder == "locked":
        return image_job(name, destination={"prefix": f"{folder}/{name}"})
    return image_job(name, f"{folder}/cat.jpg")
