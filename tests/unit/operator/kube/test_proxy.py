"""Which proxy a server is reached through, by the rules of Go's httpproxy."""

from __future__ import annotations

import pytest
from imagejob_operator.kube.proxy import proxy_for

PROXY = "http://proxy.corp:3128"
API, API6, NAMED = "https://10.96.0.1:443", "https://[fd00::1]:443", "https://api.corp.example:6443"


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (NAMED, {}, None),
        (NAMED, {"HTTPS_PROXY": PROXY}, PROXY),
        (NAMED, {"https_proxy": PROXY}, PROXY),
        (NAMED, {"HTTPS_PROXY": PROXY, "https_proxy": "http://other:1"}, PROXY),
        (NAMED, {"HTTPS_PROXY": "proxy.corp:3128"}, PROXY),
        (NAMED, {"HTTPS_PROXY": "http://me:secret@proxy.corp:1"}, "http://me:secret@proxy.corp:1"),
        (NAMED, {"HTTPS_PROXY": "https://proxy.corp"}, "https://proxy.corp"),
        (NAMED, {"HTTP_PROXY": PROXY}, None),
        ("http://api:8080", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://api:8080", {"HTTPS_PROXY": PROXY}, None),
        (NAMED, {"ALL_PROXY": PROXY}, None),
        (API6, {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://127.0.0.1:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://[::1]:6443", {"HTTPS_PROXY": PROXY}, None),
        ("https://localhost:6443", {"HTTPS_PROXY": PROXY}, None),
    ],
)
def test_the_variables_say_which(url: str, environment: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(url, environment) == proxy


@pytest.mark.parametrize(
    ("url", "no_proxy", "is_direct"),
    [
        (API, "10.96.0.0/12", True),
        (API, "localhost, 10.96.0.0/12 ,.svc", True),
        (API, "10.112.0.0/12", False),
        (API, "10.96.0.1", True),
        (API, "10.96.0.1:443", True),
        (API, "10.96.0.1:6443", False),
        (API, "10.96.0", False),
        (API, "10.96.0.0/99", False),
        (API6, "fd00::/8", True),
        (API6, "fe80::/10", False),
        (API6, "fd00::1", True),
        (API6, "FD00:0::1", True),
        (API6, "[fd00::1]", True),
        (API6, "[fd00::1]:443", True),
        (API6, "[fd00::1]:6443", False),
        (API6, "10.96.0.0/12", False),
        (NAMED, "api.corp.example", True),
        (NAMED, "corp.example", True),
        (NAMED, ".corp.example", True),
        (NAMED, "*.corp.example", True),
        (NAMED, "corp.example:6443", True),
        (NAMED, "corp.example:443", False),
        (NAMED, "rp.example", False),
        (NAMED, ".api.corp.example", False),
        ("https://API.Corp.Example.", "corp.example", True),
        (NAMED, "*", True),
        (NAMED, ",,", False),
        (NAMED, "10.0.0.0/8", False),
    ],
)
def test_no_proxy_has_networks_addresses_and_names(
    url: str, no_proxy: str, *, is_direct: bool
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        found = proxy_for(url, {"HTTPS_PROXY": PROXY, name: no_proxy})

        assert found == (None if is_direct else PROXY)


def test_a_proxy_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="HTTPS_PROXY: socks5 proxies are not supported"):
        proxy_for(NAMED, {"HTTPS_PROXY": "socks5://proxy.corp"})
