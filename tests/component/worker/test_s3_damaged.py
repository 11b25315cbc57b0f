"""Outputs that change on their way to a real S3 server, and a bucket with Object Lock."""

from __future__ import annotations

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from imagejob_dev.s3 import S3Server
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import retries
from support.s3_stores import Stub, answer, forwarding, opened, put, serving

PICTURE = b"a picture " * 1000


@pytest.fixture
def keys(s3: S3Server) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": s3.credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": s3.credentials.secret_key,
    }


def test_a_damaged_output_is_refused_and_sent_again(
    s3: S3Server, keys: dict[str, str], tmp_path: Path
) -> None:
    bucket, client = s3.make_bucket("damaged-once"), s3.client()
    (tmp_path / "output").write_bytes(PICTURE)

    with serving(Stub(forwarding(s3, damaged=1))) as proxy:
        storage = opened(tmp_path, S3(proxy.endpoint, bucket), **keys)
        put(storage, tmp_path / "output", "out")

    assert proxy.requests == 2
    assert client.get_object(Bucket=bucket, Key="out")["Body"].read() == PICTURE
    client.close()


def test_an_output_that_is_always_damaged_is_never_stored(
    s3: S3Server,
    keys: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retries, "_RETRY_SECONDS", 1.0)
    bucket, client = s3.make_bucket("damaged-always"), s3.client()
    (tmp_path / "output").write_bytes(PICTURE)

    with serving(Stub(forwarding(s3, damaged=99))) as proxy:
        storage = opened(tmp_path, S3(proxy.endpoint, bucket), **keys)
        with pytest.raises(ItemFailure, match="BadDigest") as caught:
            put(storage, tmp_path / "output", "out")

    assert caught.value.reason == "StorageUnavailable"
    assert client.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    client.close()


def demanding(server: S3Server) -> Callable[[BaseHTTPRequestHandler], None]:
    """Refuse as Amazon does, for a bucket with Object Lock, what versitygw takes."""
    forward = forwarding(server)

    def do(request: BaseHTTPRequestHandler) -> None:
        if "content-md5" in request.headers:
            return forward(request)
        request.rfile.read(int(request.headers["Content-Length"]))
        words = "HTTP header is required for Put Object requests with Object Lock parameters"
        message = f"<Message>Content-MD5 OR x-amz-checksum- {words}</Message>"
        return answer(request, 400, f"<Error><Code>InvalidRequest</Code>{message}".encode())

    return do


@pytest.fixture(scope="module")
def locked(s3: S3Server) -> str:
    """A bucket whose objects are retained for a day."""
    client, bucket = s3.client(), "locked"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    rule: Any = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    client.put_object_lock_configuration(
        Bucket=bucket,
        ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
    )
    client.close()
    return bucket


def test_a_bucket_with_object_lock_takes_an_output_and_keeps_it(
    s3: S3Server, keys: dict[str, str], tmp_path: Path, locked: str
) -> None:
    client = s3.client()
    (tmp_path / "output").write_bytes(PICTURE)

    with serving(Stub(demanding(s3))) as stub:
        storage = opened(tmp_path, S3(stub.endpoint, locked), **keys)
        put(storage, tmp_path / "output", "out")
        (tmp_path / "output").write_bytes(b"another")
        with pytest.raises(ItemFailure, match="a lock or a retention protects") as caught:
            put(storage, tmp_path / "output", "out")

    assert caught.value.reason == "AccessDenied"
    assert client.get_object(Bucket=locked, Key="out")["Body"].read() == PICTURE
    client.close()
