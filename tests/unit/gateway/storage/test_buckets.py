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


@pytest.mark.parametrize("change", UNUSABLE.values(), ids=UNUSABLE)
def test_what_an_imagestore_may_say_and_the_gateway_can_t_use(
    tmp_path: Path, change: dict[str, str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        (tmp_path / name).write_text("x")
    body = {"metadata": {"name": "uploads"}, "spec": {"s3": S3 | change}}
    store = msgspec.convert(body, ImageStore)
    session: Any = None
    buckets = Buckets([StoreSettings("uploads", str(tmp_path))], lambda _: store, session)

    with pytest.raises(ProblemError) as raised:
        buckets.open("uploads")

    assert raised.value.problem.reason == ProblemReason.STORE_NOT_FOUND
