"""How long what is signed by a Secret's credentials is valid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from imagejob_gateway.problem import ProblemError, ProblemReason
from imagejob_gateway.storage.credentials import read

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def folder(path: Path, **more: str) -> str:
    given = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret\n", **more}
    for name, value in given.items():
        (path / name).write_text(value)
    return str(path)


LEFT = {
    "a key of a user": ({}, float("inf")),
    "a session": ({"AWS_SESSION_TOKEN": "t"}, 900),
    "a session with an end": (
        {"AWS_SESSION_TOKEN": "t", "AWS_CREDENTIAL_EXPIRATION": "2026-11-22T11:00:00+00:00"},
        3600,
    ),
    "an end in UTC": ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-22T10:01:00Z\n"}, 60),
    "an end without a zone": ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-22T10:01:00"}, 60),
    "an end that is over": ({"AWS_CREDENTIAL_EXPIRATION": "2026-11-22T09:59:00Z"}, -60),
}


@pytest.mark.parametrize(("more", "seconds"), LEFT.values(), ids=LEFT)
def test_a_signature_ends_with_its_credentials(
    tmp_path: Path, more: dict[str, str], seconds: float
) -> None:
    assert read("uploads", folder(tmp_path, **more)).seconds_left(NOW) == seconds


def test_an_end_that_is_no_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError) as raised:
        read("uploads", folder(tmp_path, AWS_CREDENTIAL_EXPIRATION="soon"))

    assert raised.value.problem.reason == ProblemReason.STORAGE_UNAVAILABLE
    assert "AWS_CREDENTIAL_EXPIRATION" in raised.value.problem.detail
