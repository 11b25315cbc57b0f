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


WRONG = {
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
    "a prefix that climbs": ({"prefix": "/a"}, r"\$\.prefix"),
}


@pytest.mark.parametrize(("changes", "named"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load(written(tmp_path, **changes))


@pytest.mark.parametrize("path", ["", "/nowhere/settings.json"])
def test_a_missing_file_is_named(path: str) -> None:
    with pytest.raises(SettingsError, match=path or "IMAGEJOB_GATEWAY_CONFIG"):
        load(path)
