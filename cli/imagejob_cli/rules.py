"""The CEL rules of the CRDs, implemented in Python.

Each is looked up by its exact text, so that a rule that changes in crds/ has no counterpart here
until it is reviewed; a test compares the two. Rules about changes of an object (`oldSelf`) don't
apply to a file.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from imagejob_operator.api.quantity import to_bytes

from .schema import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .kinds import Schema


def broken(value: object, schema: Schema, path: str = "") -> Iterator[Fault]:
    """Yield the rules that a value breaks; it must match the schema."""
    for rule in schema.get("x-kubernetes-validations", ()):
        holds = RULES.get(rule["rule"])
        if holds and not holds(value):
            yield Fault(f"{path}{rule.get('fieldPath', '')}".lstrip("."), rule["message"])
    if isinstance(value, dict):
        for name, field in schema.get("properties", {}).items():
            if name in value:
                yield from broken(value[name], field, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from broken(item, schema["items"], f"{path}[{index}]")


def _spares_its_source(job: dict[str, Any]) -> bool:
    """Whether no output could overwrite the source."""
    spec = job["spec"]
    source, destination = spec["source"], spec.get("destination", {})
    if destination.get("storeRef", source["storeRef"]) != source["storeRef"]:
        return True
    prefix = destination.get("prefix", f"derived/{job['metadata']['name']}")
    return source["key"] not in {
        f"{prefix}/{output['name']}{extension}"
        for output in spec.get("outputs", ())
        for extension in (".jpg", ".png", ".webp", ".avif")
    }


def _is_web_address(text: str) -> bool:
    try:
        return bool(re.match("https?://", text) and urlsplit(text).hostname)
    except ValueError:
        return False


def _is_within_a_week(text: str) -> bool:
    if not re.fullmatch("[1-9][0-9]*[smhd]", text):
        return True
    return int(text[:-1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[text[-1]] <= 604800


def _is_lossy(output: dict[str, Any]) -> bool:
    return not output["lossless"] and output["format"] != "png"


def _at_most(size: int) -> Callable[[str], bool]:
    return lambda text: len(text.encode()) <= size


def _one_of(one: str, other: str) -> Callable[[dict[str, Any]], bool]:
    return lambda self: (one in self) != (other in self)


def _without(*parts: str) -> Callable[[str], bool]:
    return lambda text: not any(part in text for part in parts)


RULES: dict[str, Callable[[Any], bool]] = {
    # Of an ImageJob and its spec.
    (
        "!has(self.spec.outputs) || (has(self.spec.destination) && has(self.spec.destination"
        ".storeRef) && self.spec.destination.storeRef.name != self.spec.source.storeRef.name) || "
        "![has(self.spec.destination) && has(self.spec.destination.prefix) ? "
        "self.spec.destination.prefix : 'derived/' + self.metadata.name].exists(prefix, "
        "self.spec.source.key.startsWith(prefix + '/') && self.spec.source.key.lastIndexOf('/') "
        "== prefix.size() && self.spec.outputs.exists(output, ['.jpg', '.png', '.webp', '.avif']"
        ".exists(extension, self.spec.source.key.endsWith('/' + output.name + extension))))"
    ): _spares_its_source,
    "has(self.profileRef) != has(self.outputs)": _one_of("profileRef", "outputs"),
    "has(self.outputs) || !has(self.metadata)": lambda s: "outputs" in s or "metadata" not in s,
    "has(self.outputs) || !has(self.limits)": lambda s: "outputs" in s or "limits" not in s,
    # Of what is part of a key.
    "bytes(self).size() <= 1024": _at_most(1024),
    "bytes(self).size() <= 512": _at_most(512),
    "bytes(self).size() <= 256": _at_most(256),
    "!self.startsWith('/') && !self.endsWith('/') && !self.contains('//')": lambda s: (
        "//" not in f"/{s}/"
    ),
    "!self.matches('(^|/)[.][.]?(/|$)')": lambda s: not {".", ".."} & set(s.split("/")),
    r"self.matches(r'^\P{Cc}*$')": lambda s: all(unicodedata.category(each) != "Cc" for each in s),
    # Of an output.
    "self.fit == 'inside' || (has(self.width) && has(self.height))": lambda s: (
        s["fit"] == "inside" or ("width" in s and "height" in s)
    ),
    "!self.lossless || self.format in ['webp', 'png']": lambda s: (
        not s["lossless"] or s["format"] in ("webp", "png")
    ),
    "!has(self.quality) || !self.lossless": lambda s: "quality" not in s or not s["lossless"],
    "!has(self.quality) || self.format != 'png'": lambda s: (
        "quality" not in s or s["format"] != "png"
    ),
    "!has(self.maxBytes) || (!self.lossless && self.format != 'png')": lambda s: (
        "maxBytes" not in s or _is_lossy(s)
    ),
    "!self.progressive || self.format in ['jpeg', 'auto']": lambda s: (
        not s["progressive"] or s["format"] in ("jpeg", "auto")
    ),
    "!self.animated || self.format != 'jpeg'": lambda s: not s["animated"] or s["format"] != "jpeg",
    (
        "type(self) == int || !isQuantity(self) || quantity(self).compareTo(quantity('1Gi')) <= 0"
    ): lambda s: to_bytes(s) <= 1024**3,
    # Of an ImageQuota.
    "self.metadata.name == 'default'": lambda s: s["metadata"]["name"] == "default",
    (
        "!self.matches('^[1-9][0-9]*[smhd]$') || int(self.substring(0, self.size() - 1)) "
        "* {'s': 1, 'm': 60, 'h': 3600, 'd': 86400}[self.substring(self.size() - 1)] <= 604800"
    ): _is_within_a_week,
    # Of an ImageStore.
    "has(self.s3) != has(self.volume)": _one_of("s3", "volume"),
    "!has(self.caBundle) || self.endpoint.startsWith('https://')": lambda s: (
        "caBundle" not in s or s["endpoint"].startswith("https://")
    ),
    "self.matches('^https?://') && isURL(self) && url(self).getHostname() != ''": _is_web_address,
    "!self.contains('@')": _without("@"),
    "!self.contains('?') && !self.contains('#')": _without("?", "#"),
    "!self.contains('..')": _without(".."),
    "!self.matches('^[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+$')": lambda s: (
        not re.fullmatch(r"[0-9]+([.][0-9]+){3}", s)
    ),
    (
        "self.contains('-----BEGIN CERTIFICATE-----') && self.contains('-----END CERTIFICATE-----')"
    ): lambda s: "-----BEGIN CERTIFICATE-----" in s and "-----END CERTIFICATE-----" in s,
    "!self.contains('PRIVATE KEY')": _without("PRIVATE KEY"),
    "has(self.secretRef) != has(self.serviceAccountName)": _one_of(
        "secretRef", "serviceAccountName"
    ),
    "!has(self.roleArn) || has(self.serviceAccountName)": lambda s: (
        "roleArn" not in s or "serviceAccountName" in s
    ),
}
