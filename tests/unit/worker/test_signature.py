"""Signatures as AWS's own examples have them, and as its own library makes them."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given, settings
from hypothesis import strategies as st
from imagejob_worker.storage.signature import EMPTY, Credentials, encoded, sign

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
ACCOUNT = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
HOST = "examplebucket.s3.amazonaws.com"
AT = calendar.timegm((2013, 5, 24, 0, 0, 0))
WELCOME = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"


@pytest.mark.parametrize(
    ("method", "path", "headers", "digest", "signature"),
    [
        pytest.param(
            "GET", "/test.txt", {"range": "bytes=0-9"}, EMPTY,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41", id="get",
        ),
        pytest.param(
            "PUT", "/test$file.text",
            {"date": "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY"},
            WELCOME, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd", id="put",
        ),
    ],
)  # fmt: skip
def test_aws_s_own_examples(
    method: str, path: str, headers: dict[str, str], digest: str, signature: str
) -> None:
    wanted = {"host": HOST, **headers}

    signed = sign(method, encoded(path), wanted, digest, ACCOUNT, "us-east-1", AT)

    assert signed["authorization"].endswith(f"Signature={signature}")


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)
HEADERS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)


@settings(max_examples=200, deadline=None)
@given(KEYS, HEADERS, st.none() | st.just("a-session-token"))
def test_whatever_the_key_the_signature_is_that_of_aws_s_own_library(
    key: str, cache_control: str, session: str | None
) -> None:
    path = f"/bucket/{encoded(key)}"
    credentials = ACCOUNT._replace(session=session)
    now = datetime.now(UTC).replace(microsecond=0)
    request = AWSRequest("PUT", f"https://{HOST}{path}", {"Cache-Control": cache_control})
    request.headers["X-Amz-Content-SHA256"] = WELCOME
    request.context["payload_signing_enabled"] = False
    request.context["timestamp"] = now.strftime("%Y%m%dT%H%M%SZ")
    theirs = S3SigV4Auth(BotoCredentials(*credentials), "s3", "eu-central-1")

    signed = sign(
        "PUT", path, {"host": HOST, "cache-control": cache_control}, WELCOME, credentials,
        "eu-central-1", now.timestamp(),
    )  # fmt: skip
    names = signed["authorization"].split("SignedHeaders=")[1].split(",")[0]
    for name in names.split(";"):
        del request.headers[name]
        request.headers[name] = signed[name]
    canonical = theirs.canonical_request(request)
    expected = theirs.signature(theirs.string_to_sign(request, canonical), request)

    assert signed["authorization"].endswith(f"Signature={expected}")
