"""The credentials of a store: the files of its Secret, which the kubelet keeps current."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from imagejob_gateway.problem import ProblemError, ProblemReason

LONGEST = 16 * 1024

SHORTEST_SESSION = 15 * 60
"""Seconds that temporary credentials have at least: nobody issues shorter ones."""


class Credentials(NamedTuple):
    """S3 credentials. `session` is the token of temporary ones, which end at `expires` if known."""

    key_id: str
    secret: str
    session: str | None = None
    expires: datetime | None = None

    def seconds_left(self, now: datetime) -> float:
        """Return how long a signature by them is valid at most."""
        if self.expires is not None:
            return (self.expires - now).total_seconds()
        return SHORTEST_SESSION if self.session else float("inf")


def read(store: str, folder: str) -> Credentials:
    """Read the Secret's files. Raises ProblemError."""
    return Credentials(
        _read(store, folder, "AWS_ACCESS_KEY_ID"),
        _read(store, folder, "AWS_SECRET_ACCESS_KEY"),
        _read(store, folder, "AWS_SESSION_TOKEN", optional=True) or None,
        _time(store, _read(store, folder, "AWS_CREDENTIAL_EXPIRATION", optional=True)),
    )


def _read(store: str, folder: str, key: str, *, optional: bool = False) -> str:
    try:
        with (Path(folder) / key).open("rb") as file:
            # Secrets made with `echo` end in a newline, and no credential holds white space.
            value = file.read(LONGEST).strip().decode("ascii")
    except FileNotFoundError:
        value = ""
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(store, f"{key} can't be read") from error
    if not value and not optional:
        raise _unusable(store, f"{key} is missing")
    return value


def _time(store: str, text: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise _unusable(store, "AWS_CREDENTIAL_EXPIRATION isn't a time") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _unusable(store: str, why: str) -> ProblemError:
    detail = f"The credentials of the store {store} can't be used: {why}."
    return ProblemError(ProblemReason.STORAGE_UNAVAILABLE, detail)
