"""Addresses that no ImageStore may have, however they are spelled, whatever the platform allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.placing import ADDRESSES, bucket, refusal

if TYPE_CHECKING:
    from imagejob_dev.client import Client

REFUSED_ALWAYS = {
    "metadata": "http://169.254.169.254",
    "metadata, any port and path": "http://169.254.169.254:8080/latest/meta-data",
    "metadata, over TLS": "https://169.254.169.254",
    "metadata, with a dot at its end": "http://169.254.169.254./",
    "metadata, decimal": "http://2852039166",
    "metadata, hexadecimal": "http://0xa9fea9fe",
    "metadata, hexadecimal in upper case": "http://0XA9FEA9FE/",
    "metadata, hexadecimal by parts": "http://0xa9.0xfe.0xa9.0xfe",
    "metadata, octal": "http://0251.0376.0251.0376",
    "metadata, octal as one": "http://025177524776",
    "metadata, mixed": "http://169.0xfe.43518",
    "metadata, short": "http://169.254.43518",
    "metadata, zeros": "http://169.254.169.0254",
    "metadata, overflowing": "http://425.510.425.510",
    "metadata, percent-encoded": "http://%31%36%39.254.169.254",
    "metadata, a percent-encoded dot": "http://169%2e254.169.254",
    "metadata, full-width": "http://\uff11\uff16\uff19.254.169.254",
    "metadata, ideographic dots": "http://169\u3002254\u3002169\u3002254",
    "metadata, circled": "http://\u2460\u2465\u2468.254.169.254",
    "metadata, mapped into IPv6": "http://[::ffff:169.254.169.254]",
    "metadata, mapped into IPv6, hexadecimal": "http://[::ffff:a9fe:a9fe]",
    "metadata, compatible with IPv6": "http://[::a9fe:a9fe]",
    "metadata, by NAT64": "http://[64:ff9b::a9fe:a9fe]",
    "metadata, by a local NAT64": "http://[64:ff9b:1::a9fe:a9fe]",
    "metadata, by 6to4": "http://[2002:a9fe:a9fe::1]",
    "metadata, by Teredo": "http://[2001::a9fe:a9fe]",
    "metadata, behind a user": "http://s3.test@169.254.169.254",
    "metadata, behind a backslash": "http://s3.test\\@169.254.169.254",
    "metadata of Amazon, IPv6": "http://[fd00:ec2::254]",
    "metadata of Amazon, IPv6, spelled out": "http://[fd00:0ec2:0:0:0:0:0:254]",
    "metadata of Amazon, IPv6, upper case": "http://[FD00:EC2::254]",
    "metadata of Google, IPv6": "http://[fd20:ce::254]",
    "metadata of Scaleway, IPv6": "http://[fd00:42::42]",
    "metadata of Alibaba": "http://100.100.100.200",
    "metadata of Azure's wire server": "http://168.63.129.16",
    "metadata of Oracle, old": "http://192.0.0.192",
    "credentials of ECS": "http://169.254.170.2",
    "credentials of EKS": "http://169.254.170.23",
    "credentials of EKS, IPv6": "http://[fd00:ec2::23]",
    "metadata by name": "http://metadata.google.internal",
    "metadata by name, upper case": "http://MetaData.Google.Internal",
    "metadata by name, with a dot at its end": "http://metadata.google.internal.",
    "metadata by another name": "http://metadata.goog",
    "metadata by its short name": "http://metadata",
    "metadata of Amazon by name": "http://instance-data.ec2.internal",
    "link-local": "http://169.254.0.1",
    "link-local, IPv6": "http://[fe80::1]",
    "link-local, IPv6, the last": "http://[febf:ffff::1]",
    "link-local, with a zone": "http://[fe80::1%25eth0]",
    "link-local, with a zone unescaped": "http://[fe80::1%eth0]",
    "site-local": "http://[fec0::1]",
    "unspecified": "http://0.0.0.0:9000",
    "unspecified, short": "http://0",
    "unspecified, IPv6": "http://[::]:9000",
    "this network": "http://0.1.2.3",
    "multicast": "http://224.0.0.1",
    "multicast, IPv6": "http://[ff02::1]",
    "broadcast": "http://255.255.255.255",
    "localhost": "http://localhost:9000",
    "localhost, upper case": "http://LOCALHOST",
    "localhost, with a dot at its end": "http://localhost.",
    "localhost, below it": "http://s3.localhost",
    "localhost, by its domain": "http://localhost.localdomain",
    "loopback, decimal": "http://2130706433",
    "loopback, short": "http://127.1",
    "loopback, hexadecimal": "http://0x7f.0.0.1",
    "loopback, octal": "http://0177.0.0.1",
    "loopback, mapped into IPv6": "http://[::ffff:127.0.0.1]",
    "loopback, spelled out": "http://[0:0:0:0:0:0:0:1]",
    "an empty part": "http://s3..test",
    "dots at its end": "http://s3.test..",
    "a port with zeros": "http://s3.test:0080",
    "a parent in the path": "http://s3.test/a/../b",
    "an empty segment in the path": "http://s3.test//b",
    "a percent in the path": "http://s3.test/%2e%2e",
    "another scheme": "file:///etc/passwd",
    "a scheme in upper case": "HTTP://s3.test",
    "a line break": "http://s3.test\nHost: evil",
    "a space": "http://s3.test /x",
    "a query": "http://s3.test?x",
    "a fragment": "http://s3.test#x",
    "no host": "http://",
    "only a port": "http://:80",
}


@pytest.mark.parametrize("case", REFUSED_ALWAYS)
def test_refused_whatever_is_allowed(cluster: Client, shared_namespace: str, case: str) -> None:
    answer = refusal(cluster, shared_namespace, bucket(REFUSED_ALWAYS[case]))

    # If two policies deny a request, either may be named.
    by_both = case.startswith(("localhost", "loopback")) and "'imagejob-stores-allowed'" in answer
    assert by_both or f"'{ADDRESSES}'" in answer or "spec.s3.endpoint: Invalid" in answer, answer


HIDDEN_IN_THE_BUCKET = {
    "the first number": ("169", "http://254.169.254"),
    "two numbers": ("169.254", "http://169.254"),
    "before an address": ("169", "http://10.1.2.3"),
    "a metadata service's first name": ("metadata", "http://google.internal"),
    "another's": ("instance-data", "http://ec2.internal"),
    "the local host's": ("x.localhost", "http://localdomain"),
}


@pytest.mark.parametrize("case", HIDDEN_IN_THE_BUCKET)
def test_refused_as_the_bucket_makes_the_host(
    cluster: Client, shared_namespace: str, case: str
) -> None:
    name, endpoint = HIDDEN_IN_THE_BUCKET[case]

    assert f"'{ADDRESSES}'" in refusal(
        cluster, shared_namespace, bucket(endpoint, name, pathStyle=False)
    )


ALLOWED_ANYWHERE = [
    *("https://s3.eu-central-1.amazonaws.com", "http://minio.storage:9000", "http://10.96.0.12"),
    *("https://s3.test/tenant-a", "https://s3.test:8443/", "https://S3.Test.", "http://a"),
    *("http://[fd12:3456::1]:9000", "https://[2a00:1450::1]", "http://100.64.0.1:9000"),
    *("http://169.253.255.255", "http://169.255.0.1", "https://metadata-cache.test"),
    *("https://my.metadata.test", "https://0x7f.test", "https://localhost.example.com"),
]


@pytest.mark.parametrize("endpoint", ALLOWED_ANYWHERE)
def test_other_addresses_are_the_platform_s_affair(
    cluster: Client, shared_namespace: str, endpoint: str
) -> None:
    assert refusal(cluster, shared_namespace, bucket(endpoint)) == ""


def test_a_bucket_before_a_host_is_fine(cluster: Client, shared_namespace: str) -> None:
    assert (
        refusal(cluster, shared_namespace, bucket("https://s3.test", "169", pathStyle=False)) == ""
    )
