"""What a fence keeps from being sent, and what an overloaded API server asks for."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_dev.ports import LOOPBACK
from imagejob_operator.kube import client as api
from imagejob_operator.kube import transport
from imagejob_operator.kube.errors import ApiError, FencedError
from imagejob_operator.kube.resources import LEDGERS
from imagejob_operator.kube.responses import MAX_PAUSE_SECONDS
from imagejob_operator.observability.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
HANG_UP = b""
PATH = "/api/v1/namespaces/default/configmaps/any"
BODY = {"data": {"a": "1"}}


@asynccontextmanager
async def _server(
    kubeconfig: Path, *answers: bytes, address: str = LOOPBACK
) -> AsyncIterator[list[str]]:
    """Gives the methods asked for so far. After `answers` all are ANSWER."""
    methods: list[str] = []
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            methods.append(head.partition(" ")[0])
            answer = left.pop(0) if left else ANSWER
            if answer == HANG_UP:
                break
            writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, address, 0)
    host = f"[{address}]" if ":" in address else address
    _point(kubeconfig, f"{host}:{server.sockets[0].getsockname()[1]}")
    async with server:
        yield methods


async def _head(reader: asyncio.StreamReader) -> str:
    """The head of the next request, whose body is read, too; "" at the end."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"(?i)^content-length: (\d+)", head, re.MULTILINE)
        await reader.readexactly(int(length[1]) if length else 0)
    except asyncio.IncompleteReadError:
        return ""
    return head


def _point(kubeconfig: Path, address: str) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "clusters": [{"name": "it", "cluster": {"server": f"http://{address}"}}],
        "users": [{"name": "it", "user": {"token": "any"}}],
    }
    kubeconfig.write_text(json.dumps(config))


def _with_token_file(kubeconfig: Path, content: str) -> Path:
    """Have the user's token come from a file."""
    file = kubeconfig.with_name("token")
    file.write_text(content)
    _have_user(kubeconfig, tokenFile=file.name)
    return file


def _have_user(kubeconfig: Path, **credentials: Any) -> None:
    config = json.loads(kubeconfig.read_text())
    config["users"][0]["user"] = credentials
    kubeconfig.write_text(json.dumps(config))


def _address(kubeconfig: Path) -> str:
    """Host and port of the server."""
    server: str = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    return server.removeprefix("http://")


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


async def _watch(connection: transport.Transport) -> None:
    async with connection.watch(PATH, [], 1.0):
        pass


def _closed() -> None:
    raise FencedError("not now")


def _closed_after(first: int) -> Callable[[], None]:
    """A fence that lets that many requests through."""
    left = iter(range(first))

    def fence() -> None:
        if next(left, None) is None:
            _closed()

    return fence


@pytest.mark.parametrize("body", [b'{"message":"\xe9"}', b'{"deep":' + b"[" * 60_000])
@pytest.mark.parametrize("is_watch", [False, True])
def test_a_refusal_that_cannot_be_decoded_is_shown_as_received(
    kubeconfig: Path, body: bytes, *, is_watch: bool
) -> None:
    head = f"HTTP/1.1 500 Internal Server Error\r\nContent-Length: {len(body)}\r\n\r\n"

    async def send() -> str:
        async with _server(kubeconfig, head.encode() + body), transport.connect() as connection:
            with pytest.raises(ApiError) as caught:
                await (_watch(connection) if is_watch else connection.send("GET", PATH))
            return caught.value.message

    assert asyncio.run(send()) == body[:200].decode(errors="replace")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_closed_fence_lets_no_write_through(kubeconfig: Path, method: str) -> None:
    async def send() -> list[str]:
        async with _server(kubeconfig) as methods, transport.connect(_closed) as connection:
            with pytest.raises(FencedError, match="not now"):
                await connection.send(method, PATH, BODY)
            return methods

    assert asyncio.run(send()) == []


def test_a_closed_fence_lets_reads_through(kubeconfig: Path) -> None:
    async def send() -> list[str]:
        async with _server(kubeconfig) as methods, transport.connect(_closed) as connection:
            await connection.send("GET", PATH)
            return methods

    assert asyncio.run(send()) == ["GET"]


@pytest.mark.parametrize(("let_through", "sent"), [(2, ["GET", "PUT"]), (3, ["GET", "PUT", "PUT"])])
def test_the_fence_is_asked_again_before_a_repeat(
    kubeconfig: Path, let_through: int, sent: list[str]
) -> None:
    """aiohttp repeats a PUT by itself if an existing connection breaks under it."""

    async def send() -> list[str]:
        fence = _closed_after(let_through - 1)
        answers = (ANSWER, HANG_UP)
        async with _server(kubeconfig, *answers) as methods, transport.connect(fence) as connection:
            await connection.send("GET", PATH)
            try:
                await connection.send("PUT", PATH, BODY)
            except FencedError:
                return methods
            return methods

    assert asyncio.run(send()) == sent


NOBODY = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_rejected_token_is_read_again_at_once(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr("imagejob_operator.kube.credentials.REST_SECONDS", 0.0)

    async def send() -> list[str]:
        async with _server(kubeconfig, ANSWER, NOBODY) as methods:
            token = _with_token_file(kubeconfig, "old")
            async with transport.connect() as connection:
                await connection.send("GET", PATH)
                token.write_text("new")
                await connection.send(method, PATH, BODY if method == "PATCH" else None)
                return methods

    assert asyncio.run(send()) == ["GET", method, method]


def test_a_token_that_stays_rejected_is_an_outage_told_once(
    kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def send() -> list[str]:
        refusals = (NOBODY,) * 3
        async with _server(kubeconfig, *refusals) as methods, api.connect() as cluster:
            for _ in refusals:
                with pytest.raises(ApiError, match="401") as caught:
                    await cluster.read(LEDGERS, "default", "any")
                assert caught.value.is_outage
            return methods

    assert asyncio.run(send()) == ["GET"] * 3
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert line.startswith(f"the API server fails, will retry: GET {PATH}: 401")


def test_credentials_that_do_not_come_time_out_like_an_answer(kubeconfig: Path) -> None:
    async def send() -> None:
        async with _server(kubeconfig):
            hangs = {"command": "sleep", "args": ["60"], "apiVersion": "v1"}
            _have_user(kubeconfig, exec=hangs)
            async with transport.connect() as connection:
                with pytest.raises(ApiError, match="did not respond in time") as caught:
                    await connection.send("GET", PATH, seconds=0.2)
                assert caught.value.is_outage

    asyncio.run(send())


def test_a_request_goes_by_the_proxy_with_its_password(
    kubeconfig: Path,
) -> None:
    async def send() -> list[str]:
        async with _server(kubeconfig) as methods:
            address = _address(kubeconfig)
            _point(kubeconfig, "api.invalid:8080")
            told = {"KUBECONFIG": str(kubeconfig), "HTTP_PROXY": f"http://me:secret@{address}"}
            async with transport.connect(environment=told) as connection:
                await connection.send("GET", PATH)
                return methods

    assert asyncio.run(send()) == ["GET"]


def test_an_ipv6_server_is_reached(kubeconfig: Path) -> None:
    async def send() -> list[str]:
        async with _server(kubeconfig, address="::1") as methods, transport.connect() as connection:
            await connection.send("GET", PATH)
            return methods

    assert asyncio.run(send()) == ["GET"]


def busy(status: str, retry_after: str) -> bytes:
    """The response of an overloaded server."""
    return (
        f"HTTP/1.1 {status}\r\nRetry-After: {retry_after}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    )


@pytest.mark.parametrize(
    ("status", "asked", "seconds"),
    [
        ("429 Too Many Requests", "3", 3),
        ("503 Service Unavailable", "1", 1),
        ("429 Too Many Requests", "86400", MAX_PAUSE_SECONDS),
        ("429 Too Many Requests", "soon", 0),
        ("409 Conflict", "0", 0),
    ],
)
def test_a_server_that_asks_for_a_pause_is_given_one(
    kubeconfig: Path, status: str, asked: str, seconds: int
) -> None:
    async def send() -> tuple[float, float]:
        async with (
            _server(kubeconfig, busy(status, asked)),
            transport.connect() as connection,
        ):
            with pytest.raises(ApiError) as caught:
                await connection.send("PUT", PATH, BODY)
            return caught.value.retry_after.total_seconds(), connection.limiter.pause

    told, pause = asyncio.run(send())

    assert told == seconds
    assert seconds - 1 <= pause <= seconds


def test_no_pause_is_made_for_an_answer_that_asks_for_none(kubeconfig: Path) -> None:
    async def send() -> float:
        async with _server(kubeconfig), transport.connect() as connection:
            await connection.send("PUT", PATH, BODY)
            return connection.limiter.pause

    assert asyncio.run(send()) == 0


def test_what_was_answered_is_counted_and_what_was_not_sent_is_not(kubeconfig: Path) -> None:
    metrics = Metrics()

    async def send() -> None:
        answers = (ANSWER, busy("429 Too Many Requests", "1"), HANG_UP)
        async with (
            _server(kubeconfig, *answers),
            transport.connect(_closed_after(3), metrics) as connection,
        ):
            await connection.send("PUT", PATH, BODY)
            for _ in ("too many", "hung up", "fenced"):
                with pytest.raises(ApiError):
                    await connection.send("POST", PATH, BODY)

    asyncio.run(send())

    counted = [
        metrics.registry.get_sample_value("imagejob_api_requests_total", labels)
        for verb, code in (("PUT", "200"), ("POST", "429"), ("POST", "<error>"))
        for labels in [{"verb": verb, "code": code}]
    ]
    assert counted == [1, 1, 1]
    assert metrics.registry.get_sample_value("imagejob_api_throttled_total") == 1
    sent = {"verb": "POST"}
    name = "imagejob_api_request_duration_seconds_count"
    assert metrics.registry.get_sample_value(name, sent) == 2
