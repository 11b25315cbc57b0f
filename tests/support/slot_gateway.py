"""The gateway's routes over ASGI, with a real S3 server, and no cluster."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiohttp
import jwt
import msgspec
from imagejob_gateway.auth.sealed import Kind
from imagejob_gateway.auth.seals import Seals
from imagejob_gateway.auth.tokens import Tokens, open_issuers
from imagejob_gateway.config import Settings
from imagejob_gateway.http.app import application
from imagejob_gateway.images.api import ImagesApi
from imagejob_gateway.images.cache import NamespaceCache
from imagejob_gateway.slots.completions import Completions
from imagejob_gateway.slots.reservations import LeftSlots, Reservations
from imagejob_gateway.state.shared_key import SharedKey
from imagejob_gateway.state.state import State
from imagejob_gateway.state.sweep import Sweeper
from imagejob_gateway.state.uploads import Lease
from imagejob_gateway.storage.buckets import Buckets
from imagejob_gateway.uploads.attempts import Attempts, LeftUploads
from imagejob_gateway.uploads.receiver import Receiver
from imagejob_gateway.uploads.tally import Tally
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.kube.client import Cluster
from imagejob_operator.quota.rates import Rate

from support import asgi
from support.gateway import AUDIENCE, ISSUER, claims
from support.gateway_services import services
from support.memory_api import MemoryApi
from support.state_shards import START, MemoryShards

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator, Mapping
    from pathlib import Path

    from imagejob_dev.s3 import S3Server

    from support.answers import Answer

NAMESPACE, BUCKET = "team-a", "slots"
FAILURES, REQUESTS = 5, 20
"""Of a slot, and with its token, in an hour."""

JSON = "application/json"


class SlotGateway:
    """One gateway. `now` is its state's clock, in milliseconds; `api` has the ImageJobs."""

    def __init__(self, s3: S3Server, folder: Path, bucket: str, **settings: Any) -> None:
        self.client, self.bucket = s3.client(), bucket
        self.key = secrets.token_hex(32).encode()
        self.settings = _settings(s3, folder, self.key, settings)
        self._runner = asyncio.Runner()
        self._session = self.run(_session())
        store = _store(s3, bucket)
        self.buckets = Buckets(self.settings.stores, lambda _: store, self._session)
        self.reset()

    def reset(self) -> None:
        """Forget everything, also what is in the bucket."""
        for key in self.objects():
            self.client.delete_object(Bucket=self.bucket, Key=key)
        self.now = START
        self.shards, self.api = MemoryShards(), MemoryApi()
        settings, api, shards = self.settings, _as_any(self.api), _as_any(self.shards)
        cluster = Cluster(api)
        cache = NamespaceCache(cluster)
        images = ImagesApi(api, cluster, cache, NAMESPACE)
        self.state = State(shards, settings.rate, lambda: self.now)
        lease = Lease(settings.lease_seconds)
        attempts = Attempts(
            *(self.state, settings.rate, lease),
            lambda: secrets.token_hex(12),
            lambda: self.now / 1000,
        )
        retries, failures, requests = (
            Tally("tries", Rate(jobs, "1h"), lambda: self.now) for jobs in (100, FAILURES, REQUESTS)
        )
        receiver = Receiver(
            *(settings, images, self.buckets, attempts, retries), lambda _: True, _allow
        )
        key = SharedKey(self.state, secrets.token_bytes, lambda: self.now / 1000)
        self.seals = Seals(key.current, secrets.token_bytes, lambda: self.now)
        self.reservations = Reservations(
            *(settings, self.state, self.buckets, receiver.profile, _allow),
            secrets.token_bytes,
            self.seals,
            lambda: datetime.now(UTC),
        )
        self.completions = Completions(
            *(settings, self.state, images, self.buckets, attempts, failures)
        )
        left = (
            LeftUploads(self.state, images, self.buckets, lease),
            LeftSlots(settings, self.state, self.buckets),
        )
        self.sweeper = Sweeper(self.state, left)
        self.app = application(
            services(
                settings=settings,
                tokens=Tokens(open_issuers(settings.issuers, settings.dial)),
                images=images,
                cache=cache,
                buckets=self.buckets,
                state=self.state,
                receiver=receiver,
                reservations=self.reservations,
                completions=self.completions,
                seals=self.seals,
                slot_requests=requests,
                unwatched=lambda: (),
            )
        )

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self._session.close())
        self._runner.close()
        self.client.close()

    def token(self, subject: str = "alice", **changes: Any) -> str:
        return jwt.encode(claims(subject, **changes), self.key, "HS256")

    def request(self, method: str, path: str, token: str = "", body: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        sent = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        return asgi.request(self.app, method, path, sent, self.run, Content_Type=JSON, **headers)

    def reserve(self, *files: Mapping[str, object], subject: str = "alice") -> list[Any]:
        """Reserve slots; return them as they were answered."""
        body = {"uploads": files}
        answer = self.request("POST", "/api/v1/uploads", self.token(subject), body)
        assert answer.status == 201, answer.body
        found: list[Any] = answer.json()["uploads"]
        return found

    def holder(self, slot: Mapping[str, Any]) -> Any:
        """Who has a slot's token."""
        return self.run(self.seals.read(slot["token"], Kind.SLOT, slot["id"]))

    def sweep(self) -> None:
        self.run(self.sweeper.sweep())

    @property
    def jobs(self) -> list[Any]:
        """The ImageJobs that were created."""
        return self.api.created.get("imagejobs", [])

    def objects(self) -> set[str]:
        """All keys of the bucket."""
        listed = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return {entry["Key"] for entry in listed}

    def stored(self, key: str) -> bytes:
        """An object's bytes."""
        data: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return data


@contextmanager
def running(s3: S3Server, folder: Path, **settings: Any) -> Iterator[SlotGateway]:
    """A gateway with a bucket of its own."""
    gateway = SlotGateway(
        s3, folder, s3.make_bucket(f"{BUCKET}-{secrets.token_hex(6)}"), **settings
    )
    try:
        yield gateway
    finally:
        gateway.close()


def send(slot: Mapping[str, Any], data: bytes, **changes: str | None) -> tuple[int, bytes]:
    """Put a file into its slot, as a client would; return the status and the answer.

    A change replaces a header or a field, or leaves it out.
    """
    request = slot["request"]
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    if request["method"] == "PUT":
        headers = {**request["headers"], **named}
        return _http("PUT", request["url"], data, headers)
    fields = {**request["fields"], **named}
    head = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    head += '--x\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    body = head.encode() + data + b"\r\n--x--\r\n"
    return _http("POST", request["url"], body, {"Content-Type": "multipart/form-data; boundary=x"})


def _http(
    method: str, url: str, body: bytes, headers: Mapping[str, str | None]
) -> tuple[int, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    given = {name: value for name, value in headers.items() if value is not None}
    # As browsers do: the length is that of the body, whatever was signed.
    given["Content-Length"] = str(len(body))
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, given)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _settings(s3: S3Server, folder: Path, key: bytes, changes: Mapping[str, Any]) -> Settings:
    (folder / "key").write_bytes(key)
    (folder / "AWS_ACCESS_KEY_ID").write_text(s3.credentials.access_key)
    (folder / "AWS_SECRET_ACCESS_KEY").write_text(s3.credentials.secret_key)
    direct = changes.pop("direct", {}) if isinstance(changes, dict) else {}
    issuer = {"issuer": ISSUER, "audience": AUDIENCE, "keyFile": str(folder / "key")}
    given = {
        "namespace": NAMESPACE,
        "stores": [{"name": "uploads", "credentials": str(folder), "direct": direct}],
        "profiles": [{"name": "web"}, {"name": "print"}],
        "issuers": [issuer],
        "limitPerSubject": "8/1h",
        **changes,
    }
    return msgspec.convert(given, Settings)


def _store(s3: S3Server, bucket: str) -> ImageStore:
    spec = {
        "endpoint": s3.endpoint,
        "bucket": bucket,
        "region": s3.region,
        "prefix": "in/here",
        "credentials": {"secretRef": {"name": "unused"}},
    }
    body = {"metadata": {"name": "uploads", "namespace": NAMESPACE}, "spec": {"s3": spec}}
    return msgspec.convert(body, ImageStore)


async def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        auto_decompress=False, skip_auto_headers=("Content-Type", "User-Agent")
    )


def _allow() -> None:
    """As without an ImageQuota."""


def _as_any(thing: object) -> Any:
    return thing
