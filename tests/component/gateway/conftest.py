"""Gateways with slots, over a real S3 server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import slot_gateway
from support.slot_gateway import SlotGateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.s3 import S3Server


@pytest.fixture(scope="session")
def running(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlotGateway]:
    with slot_gateway.running(s3, tmp_path_factory.mktemp("put")) as found:
        yield found


@pytest.fixture(scope="session")
def running_post(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlotGateway]:
    folder = tmp_path_factory.mktemp("post")
    with slot_gateway.running(s3, folder, direct={"method": "POST"}) as found:
        yield found


@pytest.fixture
def gateway(running: SlotGateway) -> SlotGateway:
    """As if it had just been installed, with an empty bucket."""
    running.reset()
    return running


@pytest.fixture(params=["running", "running_post"], ids=["PUT", "POST"])
def either(request: pytest.FixtureRequest) -> SlotGateway:
    """A gateway whose slots are of one method, likewise."""
    found: SlotGateway = request.getfixturevalue(request.param)
    found.reset()
    return found
