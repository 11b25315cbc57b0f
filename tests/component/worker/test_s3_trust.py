"""Which certificates an S3 store trusts, and which identity the worker's token gives it."""

from __future__ import annotations

import hashlib
import os
import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from imagejob_dev.s3 import S3Server
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import tls
from support import worker_process
from support.s3_stores import AUTHORITY, BUCKET, TLS, Stub, answer, fetched, opened, put, serving
from support.worker_process import Workplace


@pytest.fixture
def keys() -> dict[str, str]:
    return {"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any"}


def test_a_store_s_own_authority_is_trusted(tls_s3: S3Server, tmp_path: Path) -> None:
    client = tls_s3.client(verify=str(TLS / "authority.pem"))
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="in/a", Body=b"source")
    client.close()
    credentials = tls_s3.credentials
    storage = opened(
        tmp_path,
        S3(tls_s3.endpoint, BUCKET, ca_bundle=AUTHORITY),
        AWS_ACCESS_KEY_ID=credentials.access_key,
        AWS_SECRET_ACCESS_KEY=credentials.secret_key,
    )

    put(storage, tmp_path / "AWS_ACCESS_KEY_ID", "out")

    assert fetched(storage, tmp_path / "source", "in/a").size == 6
    assert fetched(storage, tmp_path / "source", "out").size == len(credentials.access_key)


def test_what_is_large_goes_over_tls_whole(tls_s3: S3Server, tmp_path: Path) -> None:
    client = tls_s3.client(verify=str(TLS / "authority.pem"))
    client.create_bucket(Bucket="large")
    client.close()
    credentials = tls_s3.credentials
    storage = opened(
        tmp_path,
        S3(tls_s3.endpoint, "large", ca_bundle=AUTHORITY),
        AWS_ACCESS_KEY_ID=credentials.access_key,
        AWS_SECRET_ACCESS_KEY=credentials.secret_key,
    )
    data = os.urandom(1 << 20) * 9
    (tmp_path / "output").write_bytes(data)

    put(storage, tmp_path / "output", "out")

    found = fetched(storage, tmp_path / "source", "out", limit=len(data))
    assert found == (len(data), hashlib.sha256(data).digest())
    storage.close()


@pytest.mark.parametrize("hashed", [False, True], ids=["one file", "by hashes"])
def test_the_image_s_authorities_are_trusted_wherever_it_has_them(
    tls_s3: S3Server,
    keys: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    hashed: bool,
) -> None:
    folder = tmp_path / "hashed"
    folder.mkdir()
    name = folder / "628e4c67.0" if hashed else tmp_path / "all.pem"  # as `openssl rehash` calls it
    name.write_text(AUTHORITY)
    nowhere = str(tmp_path / "nowhere")
    paths = ssl.DefaultVerifyPaths(None, None, "", nowhere, "", str(folder))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(tls, "_BUNDLES", (nowhere, str(name)))
    storage = opened(tmp_path, S3(tls_s3.endpoint, BUCKET), **keys)

    with pytest.raises(ItemFailure) as caught:  # the keys can be any
        fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "AccessDenied"
    storage.close()


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        pytest.param(None, "authority that isn't trusted", id="the system's authorities"),
        pytest.param("no PEM at all", "caBundle holds no certificate", id="a bundle that is none"),
    ],
)
def test_another_authority_is_not_trusted(
    tls_s3: S3Server, keys: dict[str, str], tmp_path: Path, bundle: str | None, words: str
) -> None:
    def attempt() -> None:
        storage = opened(tmp_path, S3(tls_s3.endpoint, BUCKET, ca_bundle=bundle), **keys)
        fetched(storage, tmp_path / "source", "in/a")

    with pytest.raises(ItemFailure, match=words) as caught:
        attempt()

    assert caught.value.reason == "StorageUnavailable"


SESSION = """<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>ASIA-SESSION</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>the-session-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""


def test_a_service_account_s_token_is_exchanged_for_a_session(tmp_path: Path) -> None:
    seen: list[str] = []

    def do(request: BaseHTTPRequestHandler) -> None:
        if "AssumeRoleWithWebIdentity" in request.path:
            seen.append(request.path)
            answer(request, 200, SESSION.encode())
        else:
            seen.append(request.path)
            answer(request, 200, b"source")

    with serving(Stub(do, tls=True)) as stub:
        role = "arn:aws:iam::1:role/images"
        store = S3(stub.endpoint, BUCKET, ca_bundle=AUTHORITY, role_arn=role)
        storage = opened(tmp_path, store, token="the-projected-token")
        found = fetched(storage, tmp_path / "source", "in/a")
        del storage

    assert found.size == 6
    exchange, request = seen
    assert "WebIdentityToken=the-projected-token" in exchange
    assert "role%2Fimages" in exchange
    assert "ASIA-SESSION" in request
    assert "the-session-token" in request


def test_a_token_without_a_role_is_refused_with_no_request(tmp_path: Path) -> None:
    with pytest.raises(ItemFailure, match="no roleArn") as caught:
        opened(tmp_path, S3("https://127.0.0.1:1", BUCKET), token="the-projected-token")

    assert caught.value.reason == "AccessDenied"


def test_a_token_that_is_refused_is_access_denied(tmp_path: Path) -> None:
    def do(request: BaseHTTPRequestHandler) -> None:
        answer(request, 400, b"<Error><Code>InvalidIdentityToken</Code></Error>")

    with serving(Stub(do, tls=True)) as stub:
        store = S3(stub.endpoint, BUCKET, ca_bundle=AUTHORITY, role_arn="arn:aws:iam::1:role/x")
        storage = opened(tmp_path, store, token="the-projected-token")
        with pytest.raises(ItemFailure, match="InvalidIdentityToken") as caught:
            fetched(storage, tmp_path / "source", "in/a")
        del storage

    assert caught.value.reason == "AccessDenied"
    assert "the-projected-token" not in caught.value.message


def test_a_token_service_that_is_not_there_is_not_a_missing_source(tmp_path: Path) -> None:
    with serving(Stub(lambda request: answer(request, 404, b"<html>"), tls=True)) as stub:
        store = S3(stub.endpoint, BUCKET, ca_bundle=AUTHORITY, role_arn="arn:aws:iam::1:role/x")
        storage = opened(tmp_path, store, token="the-projected-token")
        with pytest.raises(ItemFailure, match="its token service isn't there") as caught:
            fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"


@pytest.mark.parametrize("order", [("plain", "tls"), ("tls", "plain")], ids=" first, ".join)
def test_one_worker_reads_from_stores_in_the_clear_and_over_tls(
    tmp_path: Path, order: tuple[str, str]
) -> None:
    """A worker that needs no TLS doesn't load it; it is loaded with the first store that does."""
    place = Workplace(tmp_path / "pod")
    plain, tls_ = Stub(lambda r: answer(r, 404, b"")), Stub(lambda r: answer(r, 404, b""), tls=True)
    with serving(plain), serving(tls_):
        stores = {
            "plain": {"s3": {"endpoint": plain.endpoint, "bucket": BUCKET}},
            "tls": {"s3": {"endpoint": tls_.endpoint, "bucket": BUCKET, "caBundle": AUTHORITY}},
        }
        items = []
        for name in order:
            place.put(name, "AWS_ACCESS_KEY_ID", b"any")
            place.put(name, "AWS_SECRET_ACCESS_KEY", b"any")
            item = worker_process.item(name, [{"name": "o"}], source={"store": name, "key": "a"})
            item["destination"] = {"store": name, "prefix": "out"}
            items.append(item)
        run = place.run(worker_process.order(items, stores=stores))

    assert [ended and ended.reason for ended in run.ended] == ["SourceNotFound"] * 2
    assert (plain.requests, tls_.requests) == (1, 1)
