"""The digest of an ImageJob's spec, which anyone can compute from the object."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from .imagejob import ImageJobSpec

CHANGEABLE = frozenset({"suspend", "priority", "ttlSecondsAfterFinished"})
"""The mutable fields of a spec: they say when to process, not what."""


def spec_digest(spec: ImageJobSpec) -> str:
    """Return `sha256:<hex>` of the spec's canonical JSON, without its mutable fields.

    Canonical: keys sorted, no white space, UTF-8, defaults written out as the API server does,
    empty lists left out. RFC 8785 gives the same bytes: a spec has no fractions and no control
    characters.
    """
    lasting = {name: part for name, part in _written_out(spec).items() if name not in CHANGEABLE}
    return "sha256:" + hashlib.sha256(msgspec.json.encode(lasting, order="sorted")).hexdigest()


def _written_out(value: Any) -> Any:  # noqa: ANN401 (any part of a spec, as JSON has it)
    match value:
        case msgspec.Struct():
            parts = (getattr(value, field) for field in value.__struct_fields__)
            named = zip(value.__struct_encode_fields__, parts, strict=True)
            return {name: _written_out(part) for name, part in named if part not in (None, ())}
        case tuple():
            return [_written_out(part) for part in value]
        case _:
            return value
