"""Keys in files and in settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from imagejob_gateway.auth.key_set_cache import KeySetCache
from imagejob_gateway.auth.keys import KeySource, open_keys
from imagejob_gateway.config import IssuerSettings, SettingsError
from support.gateway_services import DIAL
from support.signed import pem, private_key

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = b"o" * 32, b"n" * 32


def of_file(path: Path, **settings: str) -> KeySource:
    return open_keys(IssuerSettings("i", "a", str(path), **settings), DIAL)  # type: ignore[arg-type]


def key(source: KeySource, key_id: str | None = None) -> object:
    return asyncio.run(source.key(key_id))


def mount(folder: Path, version: str, data: bytes) -> Path:
    """Write a Secret's entry as the kubelet does: a link to a folder, which is replaced."""
    (folder / version).mkdir(parents=True)
    (folder / version / "key").write_bytes(data)
    (folder / "new").symlink_to(version)
    (folder / "new").replace(folder / "current")
    return folder / "current" / "key"


def test_a_secret_that_is_replaced_is_read_again(tmp_path: Path) -> None:
    source = of_file(mount(tmp_path, "1", OLD))
    before = key(source)

    mount(tmp_path, "2", NEW)

    assert (before, key(source)) == (OLD, NEW)


@pytest.mark.parametrize("data", [b"", b"k" * 31, pem(private_key("RS256").public_key())])
def test_a_replacement_that_is_no_secret_leaves_the_last(
    tmp_path: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    source = of_file(mount(tmp_path, "1", OLD))

    mount(tmp_path, "2", data)

    assert key(source) == key(source) == OLD
    assert len(caplog.records) == 1  # not with each token
    mount(tmp_path, "3", NEW)
    assert key(source) == NEW


def test_a_file_that_goes_away_leaves_the_last(tmp_path: Path) -> None:
    path = mount(tmp_path, "1", OLD)
    source = of_file(path)

    path.unlink()

    assert key(source) == OLD


def test_a_public_key_in_a_file_is_replaced_too(tmp_path: Path) -> None:
    first, second = (private_key("ES256", name).public_key() for name in ("one", "two"))
    source = of_file(mount(tmp_path, "1", pem(first)), algorithm="ES256", key_id="x")

    mount(tmp_path, "2", pem(second))

    assert key(source, "x") == second
    assert key(source, "y") is None


@pytest.mark.parametrize(("data", "why"), [(b"k" * 31 + b"\n", "31 bytes"), (None, "No such file")])
def test_without_a_usable_key_it_does_not_start(
    tmp_path: Path, data: bytes | None, why: str
) -> None:
    path = tmp_path / "key"
    if data is not None:
        path.write_bytes(data)

    with pytest.raises(SettingsError, match=why):
        of_file(path)


def test_a_public_key_may_be_a_setting() -> None:
    public = private_key("EdDSA").public_key()
    settings = IssuerSettings("i", "a", algorithm="EdDSA", public_key=pem(public).decode())

    assert key(open_keys(settings, DIAL)) == public


def test_a_public_key_of_another_algorithm_is_refused() -> None:
    text = pem(private_key("EdDSA").public_key()).decode()

    with pytest.raises(SettingsError, match="another algorithm"):
        open_keys(IssuerSettings("i", "a", algorithm="ES256", public_key=text), DIAL)


def test_a_url_is_asked_only_when_a_token_comes() -> None:
    settings = IssuerSettings("i", "a", algorithm="RS256", jwks_url="https://no.invalid/keys")

    assert isinstance(open_keys(settings, DIAL), KeySetCache)
