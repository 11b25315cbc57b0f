"""The CRDs describe every field, bound all of them, and are consistent."""

from __future__ import annotations

import re

import msgspec
import pytest
from imagejob_worker.contract import order
from support.agreement import differences
from support.apischema import NAMES, Schema, crd, fields, schema, text, version
from support.paths import DATA

KINDS = {
    "imagejobs": ("ImageJob", "ij"),
    "imageprofiles": ("ImageProfile", "iprof"),
    "imagestores": ("ImageStore", "istore"),
    "imagequotas": ("ImageQuota", "iquota"),
}
BAD = DATA / "manifests/bad"
SHARED = ("outputs", "metadata", "limits")


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_is_named_and_namespaced(name: str) -> None:
    kind, short = KINDS[name]
    spec = crd(name)["spec"]

    assert crd(name)["metadata"]["name"] == f"{name}.imagejob.dev"
    assert (spec["group"], spec["scope"]) == ("imagejob.dev", "Namespaced")
    assert (spec["names"]["kind"], spec["names"]["shortNames"]) == (kind, [short])
    assert version(name)["name"] == "v1alpha1"


def test_no_category_is_the_name_of_a_kind() -> None:
    """kubectl reads a category before a resource: `kubectl get imagejob cat` would fail."""
    names = [crd(name)["spec"]["names"] for name in NAMES]
    kinds = {n for each in names for n in (each["singular"], each["plural"], *each["shortNames"])}
    categories = {category for each in names for category in each["categories"]}

    assert categories == {"imaging"}
    assert not categories & kinds


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described(name: str) -> None:
    silent = [
        path
        for path, field in fields(schema(name))
        if path != "metadata"  # the API server describes it itself
        and not field.get("description", "").strip().endswith(".")
    ]

    assert silent == []
    assert schema(name)["description"].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_bounded(name: str) -> None:
    unbounded = [
        f"{path}: {what}"
        for path, field in fields(schema(name))
        if path not in {"apiVersion", "kind", "metadata"}  # the API server's
        for what in missing_bounds(field)
    ]

    assert unbounded == []


def missing_bounds(field: Schema) -> list[str]:
    if field.get("x-kubernetes-int-or-string"):
        needed = ["minimum", "maximum", "maxLength", "pattern"]
    elif field["type"] == "string":
        needed = [] if "enum" in field else ["maxLength"]
    elif field["type"] == "integer":
        needed = ["minimum", "maximum", "format"]
    elif field["type"] == "array":
        needed = ["maxItems", "items", "x-kubernetes-list-type"]
    elif field["type"] == "object":
        needed = ["properties"]
    else:
        needed = []
    return [what for what in needed if what not in field]


@pytest.mark.parametrize(
    ("field", "complaint"),
    [
        ({"type": "string"}, ["maxLength"]),
        ({"type": "string", "pattern": "^a*$"}, ["maxLength"]),
        ({"type": "integer", "minimum": 0, "format": "int32"}, ["maximum"]),
        ({"type": "array", "items": {}, "x-kubernetes-list-type": "atomic"}, ["maxItems"]),
        ({"type": "object", "additionalProperties": {"type": "string"}}, ["properties"]),
        (
            {"x-kubernetes-int-or-string": True, "maxLength": 9, "pattern": "^[0-9]+$"},
            ["minimum", "maximum"],
        ),
    ],
)
def test_a_missing_bound_is_seen(field: Schema, complaint: list[str]) -> None:
    assert missing_bounds(field) == complaint


@pytest.mark.parametrize("name", NAMES)
def test_no_reference_leaves_the_namespace(name: str) -> None:
    paths = [path for path, _ in fields(schema(name)) if path.lower().endswith("namespace")]

    assert paths == []


@pytest.mark.parametrize("part", SHARED)
def test_jobs_and_profiles_share(part: str) -> None:
    assert schema("imagejobs", "spec", part) == schema("imageprofiles", "spec", part)


def test_jobs_and_profiles_share_to_the_letter() -> None:
    """From `outputs:` to the end of `limits`, including comments and line ends."""
    begin, end = "                outputs:\n", "                priority:\n"
    of_jobs = text("imagejobs").split(begin, 1)[1].split(end, 1)[0]
    of_profiles = text("imageprofiles").split(begin, 1)[1]

    assert of_jobs == of_profiles


def test_all_that_is_part_of_a_key_has_the_same_rules() -> None:
    """Except for the length, which is checked first."""
    fields_of_keys = [
        schema("imagejobs", "spec", "source", "key"),
        schema("imagejobs", "spec", "destination", "prefix"),
        schema("imagestores", "spec", "s3", "prefix"),
        schema("imagestores", "spec", "volume", "subPath"),
    ]
    rules = [field["x-kubernetes-validations"][1:] for field in fields_of_keys]

    assert all(each == rules[0] for each in rules)
    for field in fields_of_keys:
        limit = field["maxLength"]
        assert field["x-kubernetes-validations"][0] == {
            "rule": f"bytes(self).size() <= {limit}",
            "message": f"must be at most {limit} bytes of UTF-8",
        }


def test_the_longest_key_of_an_output_fits_object_stores() -> None:
    """`<store prefix>/<prefix>/<name>.<extension>`, in bytes."""
    longest = (
        schema("imagestores", "spec", "s3", "prefix")["maxLength"]
        + schema("imagejobs", "spec", "destination", "prefix")["maxLength"]
        + schema("imagejobs", "spec", "outputs")["items"]["properties"]["name"]["maxLength"]
        + len("//.webp")
    )

    assert longest <= 1024


def test_all_references_have_the_same_rules() -> None:
    references = [
        field["properties"]["name"]
        for name in NAMES
        for path, field in fields(schema(name))
        if path.endswith("Ref")
    ]
    rules = [{k: v for k, v in each.items() if k != "description"} for each in references]

    assert len(rules) == 4
    assert all(each == rules[0] for each in rules)


def test_conditions_are_alike() -> None:
    of_jobs = schema("imagejobs", "status", "conditions")["items"]["properties"]
    of_quotas = schema("imagequotas", "status", "conditions")["items"]["properties"]

    assert of_jobs == of_quotas


def test_spec_fields_that_cannot_change_are_all_but_three() -> None:
    spec = schema("imagejobs", "spec")
    frozen = {
        rule["fieldPath"].removeprefix(".")
        for rule in spec["x-kubernetes-validations"]
        if "oldSelf" in rule["rule"]
    }

    assert set(spec["properties"]) - frozen == {"suspend", "priority", "ttlSecondsAfterFinished"}


def test_selectable_fields() -> None:
    paths = [each["jsonPath"] for each in version("imagejobs")["selectableFields"]]

    assert paths == [".status.phase", ".spec.ttlSecondsAfterFinished"]


@pytest.mark.parametrize("name", NAMES)
def test_a_status_is_a_subresource(name: str) -> None:
    has_status = "status" in schema(name)["properties"]

    assert has_status == ("status" in version(name).get("subresources", {}))


@pytest.mark.parametrize("name", NAMES)
def test_columns_point_at_fields(name: str) -> None:
    known = {path for path, _ in fields(schema(name))}
    for column in version(name)["additionalPrinterColumns"]:
        path = column["jsonPath"].removeprefix(".")
        for written in ('[?(@.type=="Ready")]', "[0]"):
            path = path.replace(written, "[]")

        assert path in known | {"metadata.creationTimestamp", "metadata.generation"}


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_refuses_a_bad_manifest(name: str) -> None:
    """Except for rules about changes, which tests/cluster/api/test_changes.py has."""
    # Fields that jobs and profiles share are tested in jobs.
    kind = "ImageJob" if name == "imageprofiles" else KINDS[name][0]
    manifests = [file.read_text() for file in BAD.glob("*.yaml")]
    refused = {
        (re.sub(r"\[\d+\]", "[]", field), why)
        for manifest in manifests
        if f"kind: {kind}\n" in manifest
        for field, _, why in [first_line(manifest).removeprefix("# refused: ").partition(": ")]
    }
    untried = [
        f"{path}: {rule['message']}"
        for path, rule in rules(name)
        if not any(path == field and why in rule["message"] for field, why in refused)
    ]

    assert untried == []


def first_line(text: str) -> str:
    return text.split("\n", 1)[0]


def rules(name: str) -> list[tuple[str, Schema]]:
    """The rules about one object, each with the path of the field that it rejects."""
    return [
        (f"{path}{rule.get('fieldPath', '')}".lstrip(".") or "<nil>", rule)
        for path, field in [("", schema(name)), *fields(schema(name))]
        for rule in field.get("x-kubernetes-validations", [])
        if "oldSelf" not in rule["rule"]
    ]


class TestWorkOrder:
    """What the worker reads is what the API offers."""

    OUTPUTS = schema("imagejobs", "spec", "outputs")["items"]

    def test_outputs(self) -> None:
        # Quantities reach the worker as integers.
        assert differences(order.Output, self.OUTPUTS) == [
            "maxBytes: is integer in Python, integer or string in the CRD"
        ]

    def test_metadata(self) -> None:
        assert differences(order.Metadata, schema("imagejobs", "spec", "metadata")) == []

    @pytest.mark.parametrize(
        ("struct", "path", "only_in_crd", "only_in_order"),
        [
            (order.Limits, ("imagejobs", "spec", "limits"), set(), {"minBytesPerSecond"}),
            (
                order.Source,
                ("imagejobs", "spec", "source"),
                {"storeRef"},
                {"store", "pinnedSha256"},
            ),
            (order.Destination, ("imagejobs", "spec", "destination"), {"storeRef"}, {"store"}),
            (order.S3, ("imagestores", "spec", "s3"), {"credentials"}, {"roleArn"}),
            (order.Volume, ("imagestores", "spec", "volume"), {"claimName", "subPath"}, set()),
        ],
    )
    def test_what_is_resolved_on_the_way_keeps_its_names(
        self,
        struct: type[msgspec.Struct],
        path: tuple[str, ...],
        only_in_crd: set[str],
        only_in_order: set[str],
    ) -> None:
        in_crd = set(schema(*path)["properties"])
        in_order = {field.encode_name for field in msgspec.structs.fields(struct)}

        assert in_crd - in_order == only_in_crd
        assert in_order - in_crd == only_in_order

    def test_defaults(self) -> None:
        defaults = {f.encode_name: f.default for f in msgspec.structs.fields(order.Item)}
        region = {f.encode_name: f.default for f in msgspec.structs.fields(order.S3)}
        s3 = schema("imagestores", "spec", "s3")["properties"]

        assert (
            defaults["timeoutSeconds"] == schema("imagejobs", "spec", "timeoutSeconds")["default"]
        )
        assert (region["region"], region["pathStyle"]) == (
            s3["region"]["default"],
            s3["pathStyle"]["default"],
        )
