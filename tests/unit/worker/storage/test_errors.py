"""Keys that can't name objects, and how a store's errors are interpreted."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import Doing, errors, keys, s3, session, signing
from imagejob_worker.storage.addresses import Addresses
from imagejob_worker.storage.answers import Answer
from imagejob_worker.storage.client import StatusError
from imagejob_worker.storage.dialing import ServerAddress
from imagejob_worker.storage.faults import AddressRefusedError, WireError


@pytest.mark.parametrize(
    ("prefix", "key", "joined"),
    [
        ("", "a/b", "a/b"),
        ("team", "a/b", "team/a/b"),
        ("team/", "a/b", "team/a/b"),
        ("team", "-b/x", "team/-b/x"),
    ],
)
def test_a_store_s_prefix_is_a_folder(prefix: str, key: str, joined: str) -> None:
    assert joined == keys.joined(prefix, key)


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("a/b c/$(X)/ü", None),
        ("", "is empty"),
        ("a" * 1024, None),
        ("ü" * 513, "is longer than 1024 bytes"),
        ("a\nb", "holds a control character"),
        ("/a", "starts or ends with a slash, or has two in a row"),
        ("a/", "starts or ends with a slash, or has two in a row"),
        ("a//b", "starts or ends with a slash, or has two in a row"),
        ("a/../b", "has a segment that is . or .."),
        ("..a/b..", None),
    ],
)
def test_a_key_names_an_object_or_is_refused(key: str, fault: str | None) -> None:
    assert fault == keys.fault(key)


def answered(status: int, text: str, phrase: str = "") -> StatusError:
    return StatusError(Answer(status, phrase, text))


def code(name: str) -> str:
    return f"<Error><Code>{name}</Code></Error>"


@pytest.mark.parametrize(
    ("error", "doing", "reason", "words"),
    [
        (answered(404, code("NoSuchKey")), "read", "SourceNotFound", "no object"),
        (answered(404, code("NoSuchKey")), "write", "StorageUnavailable", "NoSuch"),
        (answered(404, code("NoSuchBucket")), "read", "StorageUnavailable", "no bucket team-a"),
        (answered(404, code("XAdminUserNotFound")), "read", "AccessDenied", "XAdminUserNotFound"),
        (answered(404, "<html>"), "read", "SourceNotFound", "no object"),
        (answered(403, code("X")), "write", "AccessDenied", "X"),
        (answered(403, "no XML"), "write", "AccessDenied", "403"),
        (answered(401, ""), "read", "AccessDenied", "401"),
        (answered(400, code("ExpiredToken")), "read", "StorageUnavailable", "ExpiredToken"),
        (answered(400, code("a b" * 9)), "read", "StorageUnavailable", "it answers 400"),
        (answered(503, code("SlowDown")), "read", "StorageUnavailable", "SlowDown"),
        (answered(502, "<html>", "Bad Gateway"), "read", "StorageUnavailable",
         "it answers 502 Bad Gateway"),
        (answered(502, "", "Bad\x1b[2J" * 99), "read", "StorageUnavailable",
         "it answers 502 Bad [2JBad [2J"),
        (answered(301, code("PermanentRedirect")), "read", "InvalidSpec", "Permanent"),
        (answered(307, ""), "read", "StorageUnavailable", "are spec.s3.region"),
        (answered(400, "Client sent an HTTP request to an HTTPS server."), "read",
         "StorageUnavailable", "it speaks TLS"),
        (answered(400, "The plain HTTP request was sent to HTTPS port"), "write",
         "StorageUnavailable", "it speaks TLS"),
        (WireError("connection refused"), "read", "StorageUnavailable", "connection refused"),
        (AddressRefusedError("its address"), "write", "AccessDenied", "can't write a/b.jpg: its"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_reason(error: Exception, doing: Doing, reason: str, words: str) -> None:
    failure = errors.failure(error, errors.Subject("uploads", "team-a"), doing, "a/b.jpg")

    assert reason == failure.reason
    assert words in failure.message
    assert "uploads" in failure.message
    assert len(failure.message) < 160


@pytest.mark.parametrize(
    ("path_style", "host"), [(True, "s3.example.com"), (False, "team-a.s3.example.com")]
)
def test_a_bucket_is_in_the_path_or_in_the_host(host: str, *, path_style: bool) -> None:
    store = S3("https://s3.example.com/", "team-a", path_style=path_style)

    url = signing.Signer(store, signing.Credentials("any", "any"))("GET", "a")

    assert host == urlsplit(url).netloc
    assert host == ServerAddress.parse(signing.endpoint(store)).host


@pytest.mark.parametrize(
    ("endpoint", "place", "authority"),
    [
        ("http://a.example.com", (False, "a.example.com", 80, ""), "a.example.com"),
        ("https://a.example.com:443/", (True, "a.example.com", 443, ""), "a.example.com"),
        ("https://a:9000/minio//", (True, "a", 9000, "/minio"), "a:9000"),
        ("http://[::1]", (False, "::1", 80, ""), "[::1]"),
        ("http://[::1]:9000/x/y", (False, "::1", 9000, "/x/y"), "[::1]:9000"),
    ],
)
def test_an_endpoint_is_taken_apart(
    endpoint: str, place: tuple[bool, str, int, str], authority: str
) -> None:
    url = signing.Signer(S3(endpoint, "b"), signing.Credentials("any", "any"))("GET", "a")

    assert place == ServerAddress.parse(endpoint)
    assert (authority, f"{place[3]}/b/a") == (urlsplit(url).netloc, urlsplit(url).path)


def identity(tmp_path: Path, endpoint: str, key: str, **changes: Any) -> object:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (tmp_path / name).write_text("x")
    store = S3(**{"endpoint": endpoint, "bucket": "team-a", **changes})
    return s3.S3Storage("uploads", store, str(tmp_path), Addresses([])).identity(key)


HERE = "http://s3.example.com"


@pytest.mark.parametrize(
    ("endpoint", "key", "changes"),
    [
        (f"{HERE}/", "a/b", {}),
        (f"{HERE}//", "a/b", {}),
        ("http://S3.Example.COM", "a/b", {}),
        ("http://s3.example.com.", "a/b", {}),
        (f"{HERE}:80", "a/b", {}),
        (HERE, "b", {"prefix": "a"}),
        (HERE, "b", {"prefix": "a/"}),
        (HERE, "a/b", {"path_style": False}),
        (HERE, "a/b", {"region": "eu-central-1"}),
        (f"{HERE}/team-a", "b", {"bucket": "a"}),
    ],
)
def test_one_object_has_one_identity_however_its_store_is_spelt(
    tmp_path: Path, endpoint: str, key: str, changes: dict[str, Any]
) -> None:
    assert identity(tmp_path, HERE, "a/b") == identity(tmp_path, endpoint, key, **changes)


@pytest.mark.parametrize(
    ("endpoint", "key", "changes"),
    [
        (f"{HERE}:9000", "a/b", {}),
        ("http://s3.example.org", "a/b", {}),
        (HERE, "a/B", {}),
        (HERE, "a/b", {"bucket": "team-b"}),
        (HERE, "a/b", {"prefix": "x"}),
        (f"{HERE}/x", "a/b", {}),
    ],
)
def test_two_objects_have_two_identities(
    tmp_path: Path, endpoint: str, key: str, changes: dict[str, Any]
) -> None:
    assert identity(tmp_path, HERE, "a/b") != identity(tmp_path, endpoint, key, **changes)


def test_a_bucket_of_aws_is_the_same_behind_each_of_its_endpoints(tmp_path: Path) -> None:
    one = identity(tmp_path, "http://s3.amazonaws.com", "a")
    other = identity(tmp_path, "http://s3.dualstack.eu-central-1.amazonaws.com", "a")

    assert one == other


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://s3.eu-central-1.amazonaws.com", "https://sts.us-east-1.amazonaws.com"),
        ("https://minio.example.com:9000", "https://minio.example.com:9000"),
    ],
)
def test_web_identity_asks_aws_or_the_store_itself(endpoint: str, service: str) -> None:
    assert service == session.token_service(S3(endpoint, "b"))
