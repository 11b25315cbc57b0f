"""The S3 store against real servers: what it reads, writes, refuses, and how soon it gives up.

boto3, which shares no code with it, puts objects there and looks at what arrived.
"""

from __future__ import annotations

import hashlib
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from imagejob_dev.ports import free_ports
from imagejob_dev.s3 import S3Server
from imagejob_worker.failures import ItemFailure
from imagejob_worker.order import S3
from imagejob_worker.storage import Fetched
from imagejob_worker.storage.s3 import S3Storage

TLS = Path(__file__).parents[2] / "data" / "tls"
AUTHORITY = (TLS / "authority.pem").read_text()
BUCKET = "team-a"
LIMIT = 1 << 20


@pytest.fixture(scope="module")
def client(s3: S3Server) -> Iterator[Any]:
    s3.make_bucket(BUCKET)
    client = s3.client()
    yield client
    client.close()


def opened(folder: Path, store: S3, **secrets: str) -> S3Storage:
    for name, value in secrets.items():
        (folder / name).write_text(value)
    return S3Storage("uploads", store, str(folder))


@pytest.fixture
def keys(s3: S3Server) -> dict[str, str]:
    credentials = s3.credentials
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
    }


@pytest.fixture
def storage(s3: S3Server, client: Any, keys: dict[str, str], tmp_path: Path) -> S3Storage:  # noqa: ARG001 (makes the bucket)
    return opened(tmp_path, S3(s3.endpoint, BUCKET), **keys)


def fetched(
    storage: S3Storage, path: Path, key: str, limit: int = LIMIT, seconds: float = 60
) -> Fetched:
    with path.open("wb") as file:
        return storage.fetch(key, file.fileno(), limit, time.monotonic() + seconds)


def put(storage: S3Storage, path: Path, key: str, cache_control: str | None = None) -> None:
    with path.open("rb") as file:
        storage.put(key, file.fileno(), "image/webp", cache_control)


def test_an_object_is_fetched_with_its_length_and_digest(
    storage: S3Storage, client: Any, tmp_path: Path
) -> None:
    data = os.urandom(LIMIT)
    client.put_object(Bucket=BUCKET, Key="in/exact", Body=data)

    found = fetched(storage, tmp_path / "source", "in/exact")

    assert found == (LIMIT, hashlib.sha256(data).digest())
    assert (tmp_path / "source").read_bytes() == data


def test_an_object_over_the_limit_is_not_downloaded(
    storage: S3Storage, client: Any, tmp_path: Path
) -> None:
    client.put_object(Bucket=BUCKET, Key="in/large", Body=bytes(LIMIT + 1))

    with pytest.raises(ItemFailure, match=f"{LIMIT + 1} bytes.* limit is {LIMIT}") as caught:
        fetched(storage, tmp_path / "source", "in/large")

    assert caught.value.reason == "TooLarge"
    assert (tmp_path / "source").stat().st_size == 0


@pytest.mark.parametrize("cache_control", [None, "public, max-age=31536000"])
def test_an_output_has_its_type_and_its_cache_control(
    storage: S3Storage, client: Any, tmp_path: Path, cache_control: str | None
) -> None:
    (tmp_path / "output").write_bytes(b"a picture")

    put(storage, tmp_path / "output", "out/thumb.webp", cache_control)

    found = client.get_object(Bucket=BUCKET, Key="out/thumb.webp")
    assert found["Body"].read() == b"a picture"
    assert found["ContentType"] == "image/webp"
    assert found.get("CacheControl") == cache_control


def test_a_very_large_output_is_one_object_too(
    storage: S3Storage, client: Any, tmp_path: Path
) -> None:
    data = os.urandom(1 << 20) * 33
    (tmp_path / "output").write_bytes(data)

    put(storage, tmp_path / "output", "out/large.webp", "no-cache")

    found = client.get_object(Bucket=BUCKET, Key="out/large.webp")
    assert hashlib.sha256(found["Body"].read()).digest() == hashlib.sha256(data).digest()
    assert (found["ContentType"], found["CacheControl"]) == ("image/webp", "no-cache")


def test_a_store_s_prefix_goes_before_every_key(
    s3: S3Server, client: Any, keys: dict[str, str], tmp_path: Path
) -> None:
    storage = opened(tmp_path, S3(s3.endpoint, BUCKET, prefix="tenants/a"), **keys)
    client.put_object(Bucket=BUCKET, Key="tenants/a/in/a", Body=b"source")

    fetched(storage, tmp_path / "source", "in/a")
    put(storage, tmp_path / "source", "out")

    assert client.get_object(Bucket=BUCKET, Key="tenants/a/out")["Body"].read() == b"source"


DENIED = [
    pytest.param({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch", id="wrong secret"),
    pytest.param({"AWS_ACCESS_KEY_ID": "nobody"}, "XAdminUserNotFound", id="unknown key"),
]


@pytest.mark.parametrize(("wrong", "words"), DENIED)
def test_credentials_that_do_not_fit_are_access_denied(
    s3: S3Server, client: Any, keys: dict[str, str], tmp_path: Path, wrong: Any, words: str
) -> None:
    storage = opened(tmp_path, S3(s3.endpoint, BUCKET), **keys | wrong)
    client.put_object(Bucket=BUCKET, Key="in/a", Body=b"source")
    (tmp_path / "output").write_bytes(b"x")

    for attempt in (
        lambda: fetched(storage, tmp_path / "source", "in/a"),
        lambda: put(storage, tmp_path / "output", "out"),
    ):
        with pytest.raises(ItemFailure, match=words) as caught:
            attempt()
        assert caught.value.reason == "AccessDenied"
        assert keys["AWS_SECRET_ACCESS_KEY"] not in caught.value.message


@pytest.mark.parametrize(
    ("missing", "content"),
    [
        ("AWS_ACCESS_KEY_ID", None),
        ("AWS_SECRET_ACCESS_KEY", None),
        ("AWS_SECRET_ACCESS_KEY", " \n"),
    ],
    ids=["key", "secret", "white space"],
)
def test_a_missing_credential_is_named(
    s3: S3Server, keys: dict[str, str], tmp_path: Path, missing: str, content: str | None
) -> None:
    del keys[missing]
    if content is not None:
        keys[missing] = content

    with pytest.raises(ItemFailure, match=f"store uploads lack {missing}") as caught:
        opened(tmp_path, S3(s3.endpoint, BUCKET), **keys)

    assert caught.value.reason == "AccessDenied"


@pytest.mark.parametrize("value", ["a\nb", "gr\u00fc\u00df", "a\0b"])
def test_a_malformed_credential_is_named_but_not_shown(
    s3: S3Server, keys: dict[str, str], tmp_path: Path, value: str
) -> None:
    keys["AWS_SECRET_ACCESS_KEY"] = value

    with pytest.raises(ItemFailure, match=r"AWS_SECRET_ACCESS_KEY .*malformed") as caught:
        opened(tmp_path, S3(s3.endpoint, BUCKET), **keys)

    assert caught.value.reason == "AccessDenied"
    assert value not in caught.value.message


def test_a_header_that_cannot_be_one_ends_its_item_only(
    storage: S3Storage, client: Any, tmp_path: Path
) -> None:
    (tmp_path / "output").write_bytes(b"x")

    with pytest.raises(ItemFailure, match="InvalidHeaderValue") as caught:
        put(storage, tmp_path / "output", "out/a", "max-age=1\nX-Amz-Acl: public-read")

    assert caught.value.reason == "Internal"
    put(storage, tmp_path / "output", "out/a", "max-age=1")
    assert client.get_object(Bucket=BUCKET, Key="out/a")["CacheControl"] == "max-age=1"


def test_white_space_around_a_credential_is_dropped(
    s3: S3Server, client: Any, keys: dict[str, str], tmp_path: Path
) -> None:
    spaced = {name: f" {value}\n" for name, value in keys.items()}
    storage = opened(tmp_path, S3(s3.endpoint, BUCKET), **spaced)
    client.put_object(Bucket=BUCKET, Key="in/a", Body=b"source")

    assert fetched(storage, tmp_path / "source", "in/a").size == 6


def test_an_object_that_is_not_there(storage: S3Storage, tmp_path: Path) -> None:
    with pytest.raises(ItemFailure, match="no object in/nothing") as caught:
        fetched(storage, tmp_path / "source", "in/nothing")

    assert caught.value.reason == "SourceNotFound"


def test_a_bucket_that_is_not_there(s3: S3Server, keys: dict[str, str], tmp_path: Path) -> None:
    storage = opened(tmp_path, S3(s3.endpoint, "no-such-bucket"), **keys)
    (tmp_path / "output").write_bytes(b"x")

    for attempt in (
        lambda: fetched(storage, tmp_path / "source", "in/a"),
        lambda: put(storage, tmp_path / "output", "out"),
    ):
        with pytest.raises(ItemFailure, match="no such bucket") as caught:
            attempt()
        assert caught.value.reason == "StorageUnavailable"


class Stub(ThreadingHTTPServer):
    """A server that behaves as no S3 server should; `do` gets each request."""

    daemon_threads = True

    def __init__(self, do: Callable[[BaseHTTPRequestHandler], None], *, tls: bool = False) -> None:
        self.requests = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if self.raw_requestline and self.parse_request():
                    stub.requests += 1
                    do(self)
                    self.wfile.flush()
                self.close_connection = True

        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem", TLS / "server-key.pem")
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}"


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    thread = threading.Thread(target=stub.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stub
    finally:
        stub.shutdown()
        thread.join()
        stub.server_close()


def failing(request: BaseHTTPRequestHandler) -> None:
    request.send_error(503)


def cutting(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


@pytest.mark.parametrize(
    ("do", "words"), [(failing, "503"), (cutting, "cut|reset")], ids=["503", "cuts"]
)
def test_a_failing_store_is_tried_again_but_not_for_long(
    tmp_path: Path, keys: dict[str, str], do: Any, words: str
) -> None:
    start = time.monotonic()
    with serving(Stub(do)) as stub:
        storage = opened(tmp_path, S3(stub.endpoint, BUCKET), **keys)
        with pytest.raises(ItemFailure, match=words) as caught:
            fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"
    assert 1 < stub.requests <= 6
    assert time.monotonic() - start < 15


@pytest.mark.parametrize(
    "endpoint",
    ["no URL", "ftp://127.0.0.1", "http://", "https://[::", "http://a/x y", "http://a?b"],
)
def test_an_endpoint_that_is_none(tmp_path: Path, keys: dict[str, str], endpoint: str) -> None:
    def attempt() -> None:
        fetched(opened(tmp_path, S3(endpoint, BUCKET), **keys), tmp_path / "source", "in/a")

    with pytest.raises(ItemFailure) as caught:
        attempt()

    assert caught.value.reason == "StorageUnavailable"
    assert "endpoint" in caught.value.message


def test_a_store_that_is_down_is_given_up_soon(tmp_path: Path, keys: dict[str, str]) -> None:
    (port,) = free_ports(1)
    storage = opened(tmp_path, S3(f"http://127.0.0.1:{port}", BUCKET), **keys)
    start = time.monotonic()

    with pytest.raises(ItemFailure, match="connection refused") as caught:
        fetched(storage, tmp_path / "source", "in/a")

    assert caught.value.reason == "StorageUnavailable"
    assert time.monotonic() - start < 15


def dripping(request: BaseHTTPRequestHandler) -> None:
    """An endless object of honest length, slowly."""
    request.send_response(200)
    request.send_header("Content-Length", str(LIMIT))
    request.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
    request.send_header("ETag", '"x"')
    request.end_headers()
    gone = threading.Event()
    while not gone.wait(0.05):
        try:
            request.wfile.write(bytes(256))
        except OSError:
            gone.set()


def test_a_source_that_drips_is_timed_out(tmp_path: Path, keys: dict[str, str]) -> None:
    with serving(Stub(dripping)) as stub:
        storage = opened(tmp_path, S3(stub.endpoint, BUCKET), **keys)
        start = time.monotonic()
        with pytest.raises(ItemFailure, match="time was used up") as caught:
            fetched(storage, tmp_path / "source", "in/a", seconds=1)
        del storage

    assert caught.value.reason == "TimedOut"
    assert time.monotonic() - start < 5


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


def answer(request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(body)))
    request.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
    request.send_header("ETag", '"x"')
    request.end_headers()
    request.wfile.write(body)


def test_a_service_account_s_token_is_exchanged_for_a_session(tmp_path: Path) -> None:
    seen: list[str] = []

    def do(request: BaseHTTPRequestHandler) -> None:
        if "AssumeRoleWithWebIdentity" in request.path:
            seen.append(request.path)
            answer(request, 200, SESSION.encode())
        else:
            seen.append(request.headers["Authorization"] + request.headers["x-amz-security-token"])
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
