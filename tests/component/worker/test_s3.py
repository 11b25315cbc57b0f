"""The S3 store against a real server: what it reads, writes and rejects.

boto3, which shares no code with it, uploads objects and checks what arrived.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from imagejob_dev.s3 import S3Server
from imagejob_worker.contract.failures import ItemFailure
from imagejob_worker.contract.order import S3
from imagejob_worker.storage import s3 as s3_module
from imagejob_worker.storage.s3 import S3Storage
from support.s3_stores import BUCKET, LIMIT, fetched, opened, put


@pytest.fixture
def keys(s3: S3Server) -> dict[str, str]:
    credentials = s3.credentials
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
    }


@pytest.fixture(scope="module")
def client(s3: S3Server) -> Iterator[Any]:
    s3.make_bucket(BUCKET)
    client = s3.client()
    yield client
    client.close()


@pytest.fixture
def storage(s3: S3Server, client: Any, keys: dict[str, str], tmp_path: Path) -> S3Storage:  # noqa: ARG001 (makes the bucket)
    return opened(tmp_path, S3(s3.endpoint, BUCKET), **keys)


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


def test_a_key_is_used_as_it_is(storage: S3Storage, client: Any, tmp_path: Path) -> None:
    key = "in/a b/$(X)/%41%2F/\u00fc~+&?#=;:@,'!*()[]\\\"<>|^`{}.jpg"
    (tmp_path / "output").write_bytes(b"a picture")

    put(storage, tmp_path / "output", key)

    assert client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == b"a picture"
    assert fetched(storage, tmp_path / "source", key).size == len(b"a picture")


def test_an_output_that_changes_on_its_way_is_not_stored(
    storage: S3Storage, client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its signature doesn't cover it; the store compares it with Content-MD5."""
    monkeypatch.setattr(s3_module, "_digest", lambda _: "1B2M2Y8AsgTpgAmY7PhCfg==")  # of nothing
    (tmp_path / "output").write_bytes(b"a picture")

    with pytest.raises(ItemFailure, match=r"BadDigest|InvalidDigest") as caught:
        put(storage, tmp_path / "output", "out/changed")

    assert caught.value.reason == "StorageUnavailable"
    found = client.list_objects_v2(Bucket=BUCKET, Prefix="out/changed")
    assert found["KeyCount"] == 0


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

    with pytest.raises(ItemFailure, match="cache-control can't be") as caught:
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
        with pytest.raises(ItemFailure, match="there is no bucket no-such-bucket") as caught:
            attempt()
        assert caught.value.reason == "StorageUnavailable"
