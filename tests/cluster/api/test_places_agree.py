"""Endpoints that are equal for the policy are one place for the operator, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.contract.place import destination_key
from support.placing import allow_list, bucket, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

LISTED = {
    "https://s3.example.com": [
        "https://s3.example.com/",
        "https://s3.example.com:443",
        "https://S3.Example.COM",
        "https://s3.example.com.",
        "https://S3.EXAMPLE.com.:443/",
    ],
    "http://minio.storage:9000/tenant-a": [
        "http://minio.storage:9000/tenant-a/",
        "http://MINIO.storage.:9000/tenant-a",
    ],
    "http://[fd12::1]:9000": ["http://[fd12::1]:9000/", "http://[FD12::1]:9000"],
    "http://plain.test": ["http://plain.test:80", "http://plain.test.:80/"],
}
CASES = [(line, spelled) for line, spellings in LISTED.items() for spelled in spellings]


@pytest.fixture(scope="module")
def listed(cluster: Client, shared_namespace: str) -> Iterator[str]:
    """A namespace where only those endpoints are allowed."""
    data = {"allowed": "\n".join(f"{line} team-a" for line in LISTED)}
    with allow_list(cluster, shared_namespace, data):
        yield shared_namespace


@pytest.mark.parametrize(("line", "spelled"), CASES)
def test_they_agree(cluster: Client, listed: str, line: str, spelled: str) -> None:
    wanted, made = bucket(line, "team-a"), bucket(spelled, "team-a")

    assert refusal(cluster, listed, made) == ""
    assert destination_key(read(wanted), "cat.jpg") == destination_key(read(made), "cat.jpg")


def read(body: dict[str, Any]) -> ImageStore:
    meta = {"name": "a", **body["metadata"], "namespace": "team-a"}
    return msgspec.convert({**body, "metadata": meta}, ImageStore)
