"""Good and bad requests to the gateway, each with what it gets.

In paths, NAME stands for an image of alice's, and GONE for one that doesn't exist.
"""

from __future__ import annotations

import zlib
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from support.tenant import picture

if TYPE_CHECKING:
    from collections.abc import Mapping

UPLOAD = "/api/v1/images/upload"
IMAGES = "/api/v1/images"
ONE = f"{IMAGES}/NAME"
STATS = "/api/v1/health/stats"
MAX_BYTES = 256 * 1024
SCOPES = "upload read delete"
JPEG, PNG, WEBP = (picture(kind=kind) for kind in ("JPEG", "PNG", "WEBP"))


class Case(NamedTuple):
    """A request and its answer: `reason` of a problem, `names` the field or header it names."""

    status: int
    reason: str = ""
    names: str = ""
    method: str = "GET"
    path: str = "/"
    scope: str | None = SCOPES
    body: bytes | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    subject: str = "alice"
    answers: Mapping[str, str] = MappingProxyType({})


def upload(
    status: int,
    reason: str = "",
    body: bytes = JPEG,
    kind: str | None = "image/jpeg",
    query: str = "",
    names: str = "",
    scope: str | None = SCOPES,
    **headers: str,
) -> Case:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    given |= {"Content-Type": kind} if kind is not None else {}
    # The same image of the same subject would be the same upload.
    subject = "alice" if reason else f"alice {kind} {query} {zlib.crc32(body)}"
    return Case(status, reason, names, "POST", UPLOAD + query, scope, body, given, subject)


def form(*parts: tuple[str, bytes], end: bytes = b"\r\n--xx--\r\n", **fields: str) -> bytes:
    """A form with these fields, and then these parts: their headers and contents."""
    pieces = [
        f'--xx\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    pieces += [f"--xx\r\n{head}\r\n\r\n".encode() + data for head, data in parts]
    return b"\r\n".join(pieces) + end


def file(name: str = "file", filename: str = "cat.jpg", kind: str = "image/jpeg") -> str:
    where = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"'
    return f"{where}\r\nContent-Type: {kind}" if kind else where


FORM = "multipart/form-data; boundary=xx"
FILE = (file(), JPEG)


def formed(
    status: int, reason: str, body: bytes, kind: str = FORM, names: str = "file", query: str = ""
) -> Case:
    return upload(status, reason, body, kind, query, names)


GOOD = {
    "the root": Case(200, scope=None),
    "its head": Case(200, method="HEAD", scope=None),
    "health": Case(200, path="/api/v1/health/", scope=None),
    "liveness": Case(200, path="/api/v1/health/live", scope=None),
    "readiness": Case(200, path="/api/v1/health/ready", scope=None),
    "the docs": Case(200, path="/docs", scope=None),
    "the document": Case(200, path="/openapi.json", scope=None),
    "figures": Case(200, path=STATS),
    "everybody's figures": Case(200, path=STATS, scope="all"),
    "a list": Case(200, path=IMAGES),
    "a short list": Case(200, path=f"{IMAGES}?limit=1"),
    "a filtered list": Case(200, path=f"{IMAGES}?phase=Failed&phase=Pending&reason=TooLarge"),
    "a list since a time": Case(200, path=f"{IMAGES}?createdSince=2026-11-22T10:00:00%2B01:00"),
    "one image": Case(200, path=ONE),
    "its head, too": Case(200, method="HEAD", path=ONE),
    "somebody's image, with all": Case(200, path=ONE, scope="all", subject="root"),
    "a ticket": Case(201, method="POST", path=f"{ONE}/events/tickets"),
    "a slash too few": Case(
        307, path="/api/v1/health?a=b", scope=None, answers={"location": "/api/v1/health/?a=b"}
    ),
    "a slash too many": Case(307, path=f"{IMAGES}/", answers={"location": IMAGES}),
    "a JPEG": upload(202),
    "a PNG": upload(202, body=PNG, kind="image/png"),
    "a WebP": upload(202, body=WEBP, kind="image/webp"),
    "an image of no declared type": upload(202, body=PNG, kind=None),
    "a type with parameters": upload(202, kind="image/JPEG; q=1"),
    "a named profile": upload(202, query="?profile=web"),
    "a form": formed(202, "", form(FILE), names=""),
    "a form with its profile": formed(202, "", form(FILE, profile="web"), names=""),
    "a path as file name": formed(202, "", form((file(filename="../../x"), JPEG)), names=""),
}

WHO = {
    "no token": Case(401, "Unauthenticated", "Authorization", path=IMAGES, scope=None),
    "no token for an upload": upload(401, "Unauthenticated", names="Authorization", scope=None),
    "no token, and a bad name": Case(401, "Unauthenticated", path=f"{IMAGES}/A%00", scope=None),
    "no token, and a bad parameter": Case(
        401, "Unauthenticated", path=f"{IMAGES}?limit=x", scope=None
    ),
    "another scheme": Case(
        401, "Unauthenticated", path=IMAGES, scope=None, headers={"Authorization": "Basic YTpi"}
    ),
    "no scope at all": Case(403, "MissingScope", "Authorization", path=IMAGES, scope=""),
    "no scope to upload": upload(403, "MissingScope", scope="read delete"),
    "no scope to delete": Case(403, "MissingScope", method="DELETE", path=ONE, scope="read"),
    "no scope to follow": Case(403, "MissingScope", path=f"{ONE}/events", scope="upload"),
    "a ticket of no form": Case(401, "Unauthenticated", path=f"{ONE}/events?ticket=x", scope=None),
    "a ticket that nobody issued": Case(
        401, "Unauthenticated", path=f"{ONE}/events?ticket=ticket-{'A' * 76}", scope=None
    ),
    "another's image": Case(404, "NotFound", "name", path=ONE, subject="bob"),
    "another's output": Case(404, "NotFound", "name", path=f"{ONE}/outputs/thumb", subject="bob"),
    "another's events": Case(404, "NotFound", "name", path=f"{ONE}/events", subject="bob"),
    "a ticket for another's": Case(
        404, "NotFound", "name", method="POST", path=f"{ONE}/events/tickets", subject="bob"
    ),
    "another's deletion": Case(404, "NotFound", "name", "DELETE", ONE, subject="bob"),
}

WHERE = {
    "no such path": Case(404, "NotFound", path="/api/v2/images"),
    "a path of two slashes": Case(404, "NotFound", path="//evil.example/"),
    "no such image": Case(404, "NotFound", "name", path=f"{IMAGES}/GONE"),
    "an encoded slash": Case(404, "NotFound", path=f"{IMAGES}/a%2Fb"),
    "dots": Case(422, "InvalidParameter", "name", path=f"{IMAGES}/%2e%2e"),
    "a NUL": Case(422, "InvalidParameter", "name", path=f"{IMAGES}/a%00"),
    "half a character": Case(422, "InvalidParameter", "name", path=f"{IMAGES}/a%ff"),
    "a line break": Case(422, "InvalidParameter", "name", path=f"{IMAGES}/a%0A"),
    "a name that is too long": Case(422, "InvalidParameter", "name", path=f"{IMAGES}/{'a' * 254}"),
    "no output yet": Case(409, "NotFinished", path=f"{ONE}/outputs/thumb"),
    "an output of a bad name": Case(422, "InvalidParameter", "output", path=f"{ONE}/outputs/A"),
    "another method": Case(
        405, "MethodNotAllowed", method="PUT", path=ONE, answers={"allow": "DELETE, GET, HEAD"}
    ),
    "a method of another path": Case(
        405, "MethodNotAllowed", path=UPLOAD, answers={"allow": "POST"}
    ),
    "the head of a stream": Case(405, "MethodNotAllowed", method="HEAD", path=f"{ONE}/events"),
    "options": Case(
        405, "MethodNotAllowed", method="OPTIONS", path="/", answers={"allow": "GET, HEAD"}
    ),
    "a list that is too long": Case(422, "InvalidParameter", "limit", path=f"{IMAGES}?limit=501"),
    "a limit that is none": Case(422, "InvalidParameter", "limit", path=f"{IMAGES}?limit=1e2"),
    "two limits": Case(422, "InvalidParameter", "limit", path=f"{IMAGES}?limit=1&limit=2"),
    "a misspelt filter": Case(422, "InvalidParameter", "phaze", path=f"{IMAGES}?phaze=Failed"),
    "no such phase": Case(422, "InvalidParameter", "phase", path=f"{IMAGES}?phase=failed"),
    "a cursor that is none": Case(422, "InvalidParameter", "cursor", path=f"{IMAGES}?cursor=x"),
    "half a digest": Case(422, "InvalidParameter", "sha256", path=f"{IMAGES}?sha256=ab"),
    "a time without a zone": Case(
        422, "InvalidParameter", "createdSince", path=f"{IMAGES}?createdSince=2026-11-22T10:00:00"
    ),
    "a number as a time": Case(
        422, "InvalidParameter", "createdSince", path=f"{IMAGES}?createdSince=0"
    ),
}

UPLOADS = {
    "nothing": upload(400, "EmptyBody", b""),
    "text": upload(415, "UnsupportedFormat", b"This is no image." * 9, names="Content-Type"),
    "text, declared": upload(415, "UnsupportedFormat", b"Text.", "text/plain"),
    "JSON": upload(415, "UnsupportedFormat", b"{}", "application/json"),
    "an urlencoded form": upload(
        415, "UnsupportedFormat", b"a=b", "application/x-www-form-urlencoded"
    ),
    "SVG": upload(415, "UnsupportedFormat", b"<svg onload='alert(1)'/>", "image/svg+xml"),
    "HTML in the guise of a JPEG": upload(415, "UnsupportedFormat", b"<script>alert(1)</script>"),
    "a PNG as JPEG": upload(415, "UnsupportedFormat", PNG),
    "a GIF, which isn't accepted": upload(
        415, "UnsupportedFormat", picture(kind="GIF"), "image/gif"
    ),
    "one byte": upload(415, "UnsupportedFormat", b"\xff"),
    "too large": upload(413, "TooLarge", JPEG + bytes(MAX_BYTES), names="Content-Length"),
    "an unknown profile": upload(422, "ProfileNotFound", query="?profile=huge", names="profile"),
    "a path as profile": upload(422, "ProfileNotFound", query="?profile=../web", names="profile"),
    "two profiles": upload(
        422, "InvalidParameter", query="?profile=web&profile=x", names="profile"
    ),
    "an unknown parameter": upload(422, "InvalidParameter", query="?store=mine", names="store"),
    "a form without a boundary": formed(
        400, "InvalidRequest", form(FILE), "multipart/form-data", "Content-Type"
    ),
    "a form of another boundary": formed(
        400, "InvalidRequest", form(FILE), "multipart/form-data; boundary=yy"
    ),
    "a form without a file": formed(
        400, "InvalidRequest", form(profile="web", end=b"\r\n--xx--\r\n")
    ),
    "a file of another name": formed(400, "InvalidRequest", form((file("image"), JPEG))),
    "two files": formed(400, "InvalidRequest", form(FILE, FILE)),
    "a form without its end": formed(400, "InvalidRequest", form(FILE, end=b"")),
    "a form that goes on after its end": formed(400, "InvalidRequest", form(FILE) + b"more"),
    "an empty file": formed(400, "EmptyBody", form((file(), b"")), names=""),
    "a form's text file": formed(
        415, "UnsupportedFormat", form((file(), b"text")), names="Content-Type"
    ),
    "a form's unknown profile": formed(
        422, "ProfileNotFound", form(FILE, profile="huge"), names="profile"
    ),
    "a form's file, too large": formed(
        413, "TooLarge", form((file(), JPEG + bytes(MAX_BYTES))), names="Content-Length"
    ),
}


CASES = GOOD | WHO | WHERE | UPLOADS
