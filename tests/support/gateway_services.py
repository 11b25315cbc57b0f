"""What routes of the gateway use, as far as a test has it."""

from __future__ import annotations

import secrets
from typing import Any

from imagejob_dev.ports import LOOPBACK
from imagejob_gateway.auth.seals import Seals
from imagejob_gateway.config import IssuerSettings, ProfileSettings, Settings, StoreSettings
from imagejob_gateway.dialing import dial
from imagejob_gateway.http.services import Services

DIAL = dial([f"{LOOPBACK}/32"])
"""Connects to this machine."""


def services(*issuers: IssuerSettings, **given: Any) -> Services:
    """Those that are given; a route that needs another fails."""
    settings = Settings(
        "team-a", (StoreSettings("uploads", "/etc/store"),), (ProfileSettings("web"),), issuers
    )
    missing = dict.fromkeys(Services._fields)
    given = {"seals": Seals(_key, secrets.token_bytes, lambda: 0), **given}
    return Services(**{**missing, "settings": settings, **given})  # type: ignore[arg-type]


async def _key() -> bytes:
    return b"k" * 32
