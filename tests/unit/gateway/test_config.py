"""Settings are read, or refused with the place that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_gateway.config import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path

LEAST: dict[str, Any] = {
    "namespace": "team-a",
    "stores": [
        {"name": "uploads", "credentials": "/etc/store"},
        {"name": "b", "credentials": "/b"},
    ],
    "profiles": [{"name": "web"}, {"name": "print", "store": "b"}],
    "issuers": [{"issuer": "i", "audience": "a", "keyFile": "/key"}],
}


def written(folder: Path, **changes: Any) -> str:
    path = folder / "settings.json"
    path.write_text(json.dumps({**LEAST, **changes}))
    return str(path)


def test_the_first_profile_and_store_are_the_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path))

    web, other = settings.profile(""), settings.profile("print")
    assert web
    assert other
    assert (web.name, settings.store_of(web), settings.store_of(other)) == ("web", "uploads", "b")
    assert settings.profile("none") is None
    assert settings.byte_limit == 50 * 1024**2
    assert settings.host_and_port == ("", 8080)


def issuer(**changes: Any) -> dict[str, Any]:
    """The settings of one issuer; a change to None leaves a field out."""
    fields = {**LEAST["issuers"][0], **changes}
    return {"issuers": [{name: value for name, value in fields.items() if value is not None}]}


def at(url: str, **changes: Any) -> dict[str, Any]:
    return issuer(keyFile=None, algorithm="RS256", jwksUrl=url, **changes)


URLS = {
    "https": at("https://issuer.example/keys"),
    "of this machine": at("http://localhost:8000/keys"),
    "at its address": at("http://127.0.0.1:8000/keys"),
    "at its address in IPv6": at("http://[::1]:8000/keys"),
    "without TLS where that is allowed": at("http://keycloak.auth/keys", allowHttp=True),
}


@pytest.mark.parametrize("changes", URLS.values(), ids=URLS)
def test_keys_are_fetched_by_tls_or_where_it_is_allowed(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert load(written(tmp_path, **changes)).issuers[0].jwks_url


def own(endpoint: str, *hosts: str) -> dict[str, Any]:
    """Settings of a gateway on hosts, with a store that clients reach at an endpoint."""
    stores = [{**LEAST["stores"][0], "publicEndpoint": endpoint}, LEAST["stores"][1]]
    return {"stores": stores, "hosts": hosts}


@pytest.mark.parametrize("prefix", ["a", ".a", "..a", "...", "a.b", "a/.b/c..", "a-_./b"])
def test_a_prefix_may_have_dots(tmp_path: Path, prefix: str) -> None:
    assert load(written(tmp_path, prefix=prefix)).prefix == prefix


def test_a_store_may_be_on_another_host(tmp_path: Path) -> None:
    endpoint = "https://s3.gateway.example.com"

    assert load(written(tmp_path, **own(endpoint, "gateway.example.com"))).hosts


WRONG = {
    "an issuer twice": ({"issuers": LEAST["issuers"] * 2}, "listed twice"),
    "an issuer with a #": (issuer(issuer="a#b"), r"issuers\[0\]\.issuer"),
    "an issuer with a space": (issuer(issuer="a b"), r"issuers\[0\]\.issuer"),
    "no key": (issuer(keyFile=None), "needs one of"),
    "two keys": (issuer(algorithm="RS256", publicKey="{}"), "needs one of"),
    "a public secret": (issuer(keyFile=None, publicKey="k" * 32), "needs a keyFile"),
    "an id for a set": (at("https://a/", keyId="x"), "no keyId"),
    "keys without TLS": (at("http://issuer.example/keys"), "jwksUrl"),
    "keys of a host that looks like ours": (at("http://127.0.0.1.example/keys"), "jwksUrl"),
    "keys of a user": (at("https://u:p@issuer.example/keys"), "jwksUrl"),
    "keys of nobody": (at("https:///keys"), "jwksUrl"),
    "keys in a file": (at("file:///etc/passwd", allowHttp=True), "jwksUrl"),
    "keys at no URL": (at("https://[::1"), "issuers"),
    "an unknown field": ({"storse": []}, "storse"),
    "no store": ({"stores": []}, r"\$\.stores"),
    "a profile of an unknown store": ({"profiles": [{"name": "x", "store": "c"}]}, "store: c"),
    "another algorithm": (
        {"issuers": [{**LEAST["issuers"][0], "algorithm": "none"}]},
        r"\$\.issuers\[0\]\.algorithm",
    ),
    "no bytes": ({"maxBytes": 0}, "maxBytes"),
    "no number of bytes": ({"maxBytes": "much"}, "much"),
    "no port": ({"listen": "here"}, r"\$\.listen"),
    "a quarantine that is open": ({"slots": {"prefix": "uploads"}}, "prefix overlap"),
    "a quarantine within uploads": ({"slots": {"prefix": "uploads/new"}}, "prefix overlap"),
    "uploads within the quarantine": ({"prefix": "quarantine/old"}, "prefix overlap"),
    "a slot for a day": ({"slots": {"seconds": 86400}}, r"\$\.slots\.seconds"),
    "a prefix from the root": ({"prefix": "/a"}, r"\$\.prefix"),
    "a prefix that climbs": ({"prefix": ".."}, r"\$\.prefix"),
    "a prefix that climbs further down": ({"prefix": "a/../b"}, r"\$\.prefix"),
    "a prefix that stays where it is": ({"prefix": "."}, r"\$\.prefix"),
    "a quarantine that climbs": ({"slots": {"prefix": "q/."}}, r"\$\.slots\.prefix"),
    "retries without a window": ({"retriesPerSubject": "many"}, "many"),
    "a store on the gateway's host": (
        own("https://Gateway.example.com:9000/s3", "a.example", "gateway.example.com"),
        "publicEndpoint of uploads is on a host of the gateway",
    ),
    "a store on the gateway's host, with a dot": (
        own("https://gateway.example.com.", "gateway.example.com"),
        "publicEndpoint of uploads",
    ),
    "a network that is none": ({"internalCidrs": ["10.0.0.0/33"]}, "10.0.0.0/33"),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(written(tmp_path, **changes))


@pytest.mark.parametrize("path", ["", "/nowhere/settings.json"])
def test_a_missing_file_is_named(path: str) -> None:
    with pytest.raises(SettingsError, match=path or "IMAGEJOB_GATEWAY_CONFIG"):
        load(path)
