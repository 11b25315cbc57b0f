"""A real S3 server with TLS, for the whole run; a volume for each test."""

from __future__ import annotations

import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from imagejob_dev.ports import free_ports
from imagejob_dev.s3 import S3Server
from imagejob_dev.tools.find import find
from support.paths import DATA
from support.started_worker import PHOTO
from support.volume_store import Volume
from support.worker_process import Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.guard import Guard

TLS = DATA / "tls"
VOLUME_SECONDS = 10


class TlsServer(S3Server):
    """The same server with the tests' certificate."""

    def __init__(self, program: Path, folder: Path, port: int, guard: Guard) -> None:
        super().__init__(program, folder / "data", folder / "log", port, guard)
        self._command[1:1] = [f"--cert={TLS / 'server.pem'}", f"--key={TLS / 'server-key.pem'}"]
        self.endpoint = self.endpoint.replace("http:", "https:")


@pytest.fixture(scope="session")
def tls_s3(tmp_path_factory: pytest.TempPathFactory, guard: Guard) -> Iterator[S3Server]:
    folder, (port,) = tmp_path_factory.mktemp("tls-s3"), free_ports(1)
    server = TlsServer(find()["versitygw"], folder, port, guard)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    """A volume store. A test that waits, as for the other end of a named pipe, is interrupted."""

    def interrupt(*_: object) -> NoReturn:
        raise TimeoutError(f"it still waits after {VOLUME_SECONDS} s")

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(VOLUME_SECONDS)
    yield Volume(tmp_path)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    place = Workplace(tmp_path / "pod")
    place.put("box", "cat.jpg", PHOTO)
    return place


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
