"""A real S3 server for the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from imagejob_dev.guard import Guard
from imagejob_dev.ports import free_ports
from imagejob_dev.s3 import S3Server
from imagejob_dev.tools.find import find

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory, guard: Guard) -> Iterator[S3Server]:
    folder, (port,) = tmp_path_factory.mktemp("s3"), free_ports(1)
    server = S3Server(find()["versitygw"], folder / "data", folder / "log", port, guard)
    server.start()
    yield server
    server.stop()
