"""ImageStores point only to places that the platform allows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from imagejob_dev.errors import DevError
from support.actors import editor, person
from support.conditions import until
from support.placing import ADDRESSES, ALLOWED, allow_list, bucket, claim, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from imagejob_dev.client import Client

POLICIES = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
LIST = """\
# Lines that can't be read allow nothing.
https://s3.eu-central-1.amazonaws.com  media-*
HTTPS://S3.Example.COM.:443/ team-a
https://*.r2.test *
http://minio.storage:* team-*-raw
http://[fd12::1]:9000 *
http://127.0.0.1:9000 team-a
https://shared.test/tenant-a/ *
http://plain.test team-a
https://everything.test(.*) *
.* .*
https://nothing.test
\thttp://tabs.test\tteam-a\t
"""
ON_THE_LIST = {
    "a bucket by its beginning": ("https://s3.eu-central-1.amazonaws.com", "media-cats"),
    "the whole beginning": ("https://s3.eu-central-1.amazonaws.com", "media-0"),
    "the default port": ("https://s3.eu-central-1.amazonaws.com:443", "media-cats"),
    "the other scheme's default port": ("http://plain.test:80", "team-a"),
    "a slash at its end": ("https://s3.eu-central-1.amazonaws.com/", "media-cats"),
    "upper case": ("https://S3.EU-CENTRAL-1.AmazonAWS.com", "media-cats"),
    "a dot at its end": ("https://s3.eu-central-1.amazonaws.com.", "media-cats"),
    "a line in upper case, with all that makes no difference": ("https://s3.example.com", "team-a"),
    "a part of the host": ("https://abc-123.r2.test", "any.bucket"),
    "any port": ("http://minio.storage:9001", "team-b-raw"),
    "the default port of any": ("http://minio.storage", "team-b-raw"),
    "IPv6": ("http://[fd12::1]:9000", "team-a"),
    "loopback, written out": ("http://127.0.0.1:9000", "team-a"),
    "a path": ("https://shared.test/tenant-a", "team-a"),
    "a path with a slash at its end": ("https://shared.test/tenant-a/", "team-a"),
    "tabs": ("http://tabs.test", "team-a"),
}
OFF_THE_LIST = {
    "another host": ("https://evil.test", "media-cats"),
    "another bucket": ("https://s3.eu-central-1.amazonaws.com", "other"),
    "a bucket that only ends so": ("https://s3.eu-central-1.amazonaws.com", "not-media-cats"),
    "another scheme": ("http://s3.eu-central-1.amazonaws.com", "media-cats"),
    "another port": ("https://s3.eu-central-1.amazonaws.com:8443", "media-cats"),
    "the other scheme's port": ("http://plain.test:443", "team-a"),
    "a path where there is none": ("https://s3.example.com/x", "team-a"),
    "a longer host": ("https://s3.example.com.evil.test", "team-a"),
    "a host below": ("https://x.s3.example.com", "team-a"),
    "any character for a dot": ("https://s3-example.com", "team-a"),
    "the bucket of another line": ("https://s3.example.com", "media-cats"),
    "a longer bucket": ("https://s3.example.com", "team-ab"),
    "two parts for one": ("https://a.b.r2.test", "team-a"),
    "no part for one": ("https://r2.test", "team-a"),
    "a path into the host": ("https://evil.test/.r2.test", "team-a"),
    "another address": ("http://[fd12::2]:9000", "team-a"),
    "another loopback": ("http://127.0.0.2:9000", "team-a"),
    "loopback's other port": ("http://127.0.0.1:9001", "team-a"),
    "another path": ("https://shared.test/tenant-b", "team-a"),
    "a path in another case": ("https://shared.test/Tenant-A", "team-a"),
    "a longer path": ("https://shared.test/tenant-a/b", "team-a"),
    "no path": ("https://shared.test", "team-a"),
    "a line that can't be read": ("https://everything.test", "team-a"),
    "a line without bucket": ("https://nothing.test", "team-a"),
}


@pytest.fixture(scope="module")
def listed(cluster: Client, shared_namespace: str) -> Iterator[str]:
    """A namespace with this allow-list as well, and with a list of claims."""
    data = {"allowed": LIST, "claims": "images-*\nshared"}
    with allow_list(cluster, shared_namespace, data):
        yield shared_namespace


@pytest.mark.parametrize("case", ON_THE_LIST)
def test_what_is_listed_is_allowed(cluster: Client, listed: str, case: str) -> None:
    assert refusal(cluster, listed, bucket(*ON_THE_LIST[case])) == ""


@pytest.mark.parametrize("case", OFF_THE_LIST)
def test_nothing_else_is(cluster: Client, listed: str, case: str) -> None:
    endpoint, name = OFF_THE_LIST[case]

    answer = refusal(cluster, listed, bucket(endpoint, name))

    assert f"the platform allows no ImageStore of bucket {name} at {endpoint}" in answer, answer


def test_claims_are_allowed_by_name(cluster: Client, listed: str) -> None:
    for name in ("images-2026", "shared"):
        assert refusal(cluster, listed, claim(name)) == ""
    for name in ("database", "my-images-2026", "shared-too"):
        assert f"no ImageStore on the claim {name}" in refusal(cluster, listed, claim(name))


EVERYTHING = [bucket("https://s3.test"), bucket("http://10.1.2.3:9000", "b" * 63), claim("any")]
LISTS = {
    "none": (None, [True, True, True]),
    "one without lines": ({"allowed": ""}, [True, True, False]),
    "one of something else": ({"claims": "*"}, [True, True, False]),
}


@pytest.mark.parametrize("case", LISTS)
def test_what_is_refused_where_the_list_is(cluster: Client, namespace: str, case: str) -> None:
    data, expected = LISTS[case]
    with allow_list(cluster, namespace, data):
        refused = [ALLOWED in refusal(cluster, namespace, store) for store in EVERYTHING]

    assert refused == expected


ANYWHERE = {
    "http://10.1.2.3:9000": True,
    "https://s3.test": True,
    "http://127.0.0.1:9000": False,
    "http://127.1.2.3:9000": False,
    "http://127.0.0.1.:9000": False,
    "http://[::1]:9000": False,
}


def test_anywhere_is_not_the_worker_s_own_pod(cluster: Client, namespace: str) -> None:
    with allow_list(cluster, namespace, {"allowed": "* raw-*"}):
        refused = {url: refusal(cluster, namespace, bucket(url, "raw-1")) for url in ANYWHERE}

    assert {url: not text for url, text in refused.items()} == ANYWHERE


def test_a_long_list(cluster: Client, namespace: str) -> None:
    lines = [f"https://s3-{number}.test team-{number}-*" for number in range(1000)]
    with allow_list(cluster, namespace, {"allowed": "\n".join(lines)}):
        last, other = (bucket("https://s3-999.test", f"team-{n}-raw") for n in (999, 99))

        assert refusal(cluster, namespace, last) == ""
        assert "the platform allows no ImageStore" in refusal(cluster, namespace, other)


def test_a_store_that_is_there_is_left_alone_until_its_spec_changes(
    cluster: Client, namespace: str
) -> None:
    alice = editor(person(cluster, namespace, "alice"))
    alice.kubectl("create", "-f", "-", stdin=json.dumps(bucket("https://old.test")))
    change = json.dumps({"spec": {"s3": {"prefix": "deeper"}}})

    with allow_list(cluster, namespace, {"allowed": LIST}):
        alice.kubectl("label", "imagestore", "uploads", "tier=old")
        with pytest.raises(DevError, match="the platform allows no ImageStore"):
            alice.kubectl("patch", "imagestore", "uploads", "--type=merge", f"--patch={change}")
        alice.kubectl("delete", "imagestore", "uploads")


def test_the_policies_are_type_checked_without_a_warning(cluster: Client) -> None:
    """The controller manager reports type errors of a policy some time after its creation."""
    names = {item["metadata"]["name"] for item in cluster.rest.get(POLICIES)["items"]}
    names_of_ours = {name for name in names if name.startswith("imagejob-")}
    assert {ADDRESSES, ALLOWED} <= names_of_ours
    for name in names_of_ours:
        status = until(lambda: cluster.rest.get(f"{POLICIES}/{name}").get("status"))  # noqa: B023

        assert status.get("typeChecking") == {}, name
