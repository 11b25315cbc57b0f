"""Which digests of a store are taken for those of an object."""

from __future__ import annotations

import base64

import pytest
from imagejob_gateway.storage.bucket import kept_digest

DIGEST = base64.b64encode(b"\1" * 32).decode()
SUM, TYPE = "x-amz-checksum-sha256", "x-amz-checksum-type"


@pytest.mark.parametrize("type_", [{}, {TYPE: "FULL_OBJECT"}], ids=["no type", "whole"])
def test_the_digest_of_a_whole_object_is_taken(type_: dict[str, str]) -> None:
    assert kept_digest({SUM: DIGEST, **type_}) == "01" * 32


OTHERS = {
    "none": {},
    "of parts, by its type": {SUM: DIGEST, TYPE: "COMPOSITE"},
    "of parts, by its end": {SUM: f"{DIGEST}-2"},
    "another algorithm": {"x-amz-checksum-crc32": DIGEST},
    "no digest": {SUM: "AAAA"},
    "no base64": {SUM: "!"},
}


@pytest.mark.parametrize("headers", OTHERS.values(), ids=OTHERS)
def test_any_other_is_not(headers: dict[str, str]) -> None:
    assert kept_digest(headers) == ""
