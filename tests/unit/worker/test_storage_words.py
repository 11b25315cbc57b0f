"""Keys that can't name objects, and what a store's refusals are taken to mean."""

from __future__ import annotations

import pytest
from imagejob_worker.order import S3
from imagejob_worker.storage import Doing, keys, refusals, s3
from obstore.exceptions import GenericError, PermissionDeniedError


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


def answered(status: str, code: str) -> str:
    return f"non-2xx status code: {status}: <Error><Code>{code}</Code></Error>"


@pytest.mark.parametrize(
    ("error", "doing", "reason", "words"),
    [
        (FileNotFoundError(answered("404", "NoSuchKey")), "read", "SourceNotFound", "no object"),
        (FileNotFoundError(answered("404", "NoSuchKey")), "write", "StorageUnavailable", "NoSuch"),
        (FileNotFoundError(answered("404", "NoSuchBucket")), "read", "StorageUnavailable",
         "bucket"),
        (PermissionDeniedError(answered("403", "X")), "write", "AccessDenied", "X"),
        (PermissionDeniedError("no body"), "write", "AccessDenied", "403"),
        (GenericError(answered("400", "ExpiredToken")), "read", "AccessDenied", "ExpiredToken"),
        (GenericError(answered("503", "SlowDown")), "read", "StorageUnavailable", "SlowDown"),
        (GenericError("non-2xx status code: 502 Bad Gateway: <html>"), "read",
         "StorageUnavailable", "it answers 502 Bad Gateway"),
        (GenericError("x (Connection refused)"), "read", "StorageUnavailable", "refused"),
        (GenericError("first line\n\nDebug source: …"), "read", "StorageUnavailable", "first line"),
    ],
)  # fmt: skip
def test_a_refusal_has_a_reason(error: Exception, doing: Doing, reason: str, words: str) -> None:
    failure = refusals.failure(error, "uploads", doing, "a/b.jpg")

    assert reason == failure.reason
    assert words in failure.message
    assert "uploads" in failure.message


@pytest.mark.parametrize(
    ("path_style", "endpoint"),
    [(True, "https://s3.example.com"), (False, "https://team-a.s3.example.com")],
)
def test_a_bucket_is_in_the_path_or_in_the_host(endpoint: str, *, path_style: bool) -> None:
    store = S3("https://s3.example.com/", "team-a", path_style=path_style)

    assert endpoint == s3._address(store)["endpoint"]


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://s3.eu-central-1.amazonaws.com", {}),
        ("https://minio.example.com:9000", {"endpoint_url_sts": "https://minio.example.com:9000"}),
    ],
)
def test_web_identity_asks_aws_or_the_store_itself(endpoint: str, service: dict[str, str]) -> None:
    assert service == s3._token_service(S3(endpoint, "b"))
