"""An ImageStore that can't be used is a problem of its requests, and no bug."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from imagejob_gateway.config import StoreSettings
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage.buckets import Buckets
from imagejob_operator.api.imagestore import ImageStore

S3 = {
    "endpoint": "https://s3.example",
    "region": "us-east-1",
    "bucket": "photos",
    "credentials": {"secretRef": {"name": "uploads-s3"}},
}
UNUSABLE = {
    "no certificate": {"caBundle": "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"},
    "no PEM": {"caBundle": "trust me"},
    "a region that is no name": {"region": "a_b"},
    "no URL": {"endpoint": "https://"},
}


OWN = {
    "its endpoint": ({"endpoint": "https://gateway.example.com", "pathStyle": True}, ""),
    "its bucket's host": ({"endpoint": "https://example.com", "bucket": "gateway"}, ""),
    "its public endpoint's bucket": ({"bucket": "gateway"}, "https://example.com"),
}


def buckets(folder: Path, change: dict[str, Any], public: str = "") -> Buckets:
    """With one store; the gateway's own host is gateway.example.com."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (folder / name).write_text("x")
    body = {"metadata": {"name": "uploads"}, "spec": {"s3": S3 | {"pathStyle": False} | change}}
    store = msgspec.convert(body, ImageStore)
    session: Any = None
    settings = StoreSettings("uploads", str(folder), public)
    return Buckets(
        [settings], lambda _: store, session, lambda url: "//gateway.example.com/" in url
    )


@pytest.mark.parametrize("change", UNUSABLE.values(), ids=UNUSABLE)
def test_what_an_imagestore_may_say_and_the_gateway_can_t_use(
    tmp_path: Path, change: dict[str, str]
) -> None:
    with pytest.raises(ProblemError) as raised:
        buckets(tmp_path, change).open("uploads")

    assert raised.value.problem.reason == ProblemReason.STORE_NOT_FOUND


@pytest.mark.parametrize(("change", "public"), OWN.values(), ids=OWN)
def test_no_client_is_sent_to_the_gateway_s_own_host(
    tmp_path: Path, change: dict[str, Any], public: str
) -> None:
    """It would send its token along."""
    with pytest.raises(ProblemError) as raised:
        buckets(tmp_path, change, public).open("uploads")

    assert raised.value.problem.reason == ProblemReason.STORE_NOT_FOUND
    assert buckets(tmp_path, {}).open("uploads")
