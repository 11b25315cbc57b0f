"""Names of what is uploaded. Nothing that a client says is part of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM_BYTES = 12
"""96 bits: two uploads never get one name, and nobody guesses another's."""


def new_name(random: Callable[[int], bytes]) -> str:
    """Return the name of an ImageJob."""
    return f"img-{random(RANDOM_BYTES).hex()}"


def source_key(prefix: str, name: str, format_: str) -> str:
    """Return the key of the original in its store."""
    return f"{prefix}/{name}/original.{format_}"
