"""The header Idempotency-Key (draft-ietf-httpapi-idempotency-key-header)."""

from __future__ import annotations

import re

from imagejob_gateway.problem import ProblemError, ProblemReason

HEADER = "Idempotency-Key"

_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


def parse_key(header: str | None) -> str:
    """Return the key, "" without a header. Raises ProblemError.

    It is a string in quotes (RFC 8941, 3.3.3); most clients leave the quotes out, which is taken as
    the same key.
    """
    if header is None:
        return ""
    quoted = _QUOTED.fullmatch(header.strip())
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else header.strip()
    if not _KEY.fullmatch(key) or (not quoted and '"' in key):
        raise ProblemError(
            ProblemReason.INVALID_REQUEST,
            f"The {HEADER} has to be 1 to 255 printable ASCII characters.",
            header=HEADER,
        )
    return key
