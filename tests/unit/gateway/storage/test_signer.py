"""What botocore signs is what boto3 signs (docs/decisions/0053)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3.session
import pytest
from botocore import auth, signers
from botocore.config import Config
from imagejob_gateway.storage.credentials import Credentials
from imagejob_gateway.storage.signer import Signer
from imagejob_operator.api.imagestore import S3
from imagejob_operator.api.imagestore import Credentials as Reference

NOW = datetime(2026, 11, 22, 17, 45, tzinfo=UTC)
ENDPOINT, BUCKET, SECONDS = "https://s3.example.com", "photos", 300
DIGEST = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a bucket": ("head_bucket", {}),
    "an object": ("get_object", {"Key": "a/ü b.jpg", "ResponseContentType": "image/jpeg"}),
    "an upload": (
        "put_object",
        {
            "Key": "a.jpg",
            "ContentType": "image/jpeg",
            "ContentLength": 9,
            "ChecksumSHA256": DIGEST,
            "IfNoneMatch": "*",
        },
    ),
    "a copy": (
        "copy_object",
        {"Key": "a.jpg", "CopySource": f"{BUCKET}/b.jpg", "CopySourceIfMatch": '"e"'},
    ),
}


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (auth, signers):
        monkeypatch.setattr(module, "get_current_datetime", lambda *_, **__: NOW)


@pytest.fixture(scope="module")
def client() -> Any:
    config = Config(signature_version="s3v4", request_checksum_calculation="when_required")
    return boto3.session.Session().client(
        "s3",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        endpoint_url=ENDPOINT,
        config=config.merge(Config(s3={"addressing_style": "path"})),
    )


@pytest.fixture(scope="module")
def signer() -> Signer:
    store = S3(ENDPOINT, BUCKET, Reference(), region="us-east-1", path_style=True)
    return Signer(store, Credentials("id", "secret"))


@pytest.mark.parametrize(("operation", "parameters"), REQUESTS.values(), ids=REQUESTS)
def test_a_url_is_boto3_s(
    client: Any, signer: Signer, operation: Any, parameters: dict[str, Any]
) -> None:
    expected = client.generate_presigned_url(
        operation, Params={"Bucket": BUCKET, **parameters}, ExpiresIn=SECONDS
    )

    assert signer(operation, SECONDS, **parameters).url == expected


def test_a_form_is_boto3_s(client: Any, signer: Signer) -> None:
    fields = {"Content-Type": "image/jpeg"}
    conditions = [fields, ["content-length-range", 9, 9]]
    expected = client.generate_presigned_post(
        BUCKET, "a.jpg", Fields=dict(fields), Conditions=conditions, ExpiresIn=SECONDS
    )

    form = signer.form("a.jpg", SECONDS, 9, fields)

    assert (form.url, form.fields) == (expected["url"], expected["fields"])
