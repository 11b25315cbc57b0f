"""What the real API server rejects is rejected here too, for the same field and in its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from imagejob_cli.admission import RefusedError, admit
from imagejob_cli.kinds import KINDS
from imagejob_cli.kinds import schema as shipped
from imagejob_cli.reading import Document, read
from imagejob_cli.rules import RULES
from support.apischema import NAMES, Schema, fields, schema
from support.paths import DATA, ROOT

GOOD = sorted((DATA / "manifests/good").glob("*.yaml"))
BAD = sorted((DATA / "manifests/bad").glob("*.yaml"))
EXAMPLES = [
    file
    for file in sorted((ROOT / "examples").rglob("*.yaml"))
    if "apiVersion: imagejob.dev/" in file.read_text()
]

JOB = {
    "apiVersion": "imagejob.dev/v1alpha1",
    "kind": "ImageJob",
    "metadata": {"name": "cat"},
    "spec": {
        "source": {"storeRef": {"name": "uploads"}, "key": "cat.jpg"},
        "outputs": [{"name": "thumb"}],
    },
}


def documents(file: Path) -> list[Document]:
    return [document for text in read([str(file)]) for document in text.documents()]


def name(file: Path) -> str:
    return file.stem


@pytest.mark.parametrize("file", [*GOOD, *EXAMPLES], ids=name)
def test_accepted(file: Path) -> None:
    for document in documents(file):
        admit(document.body, "default")


@pytest.mark.parametrize("file", BAD, ids=name)
def test_refused(file: Path) -> None:
    first = file.read_text().splitlines()[0]
    field, _, why = first.removeprefix("# refused: ").partition(": ")
    (document,) = documents(file)

    with pytest.raises(RefusedError) as refusal:
        admit(document.body, "default")

    faults = refusal.value.faults
    if why == "unknown field":
        assert any(f'unknown field "{field}"' in fault.words for fault in faults)
    else:
        assert any((fault.path or "<nil>", why in fault.words) == (field, True) for fault in faults)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"metadata": None}, "metadata.name: Required value"),
        ({"metadata": "cat"}, "metadata: must be of type object, not string"),
        ({"metadata": {"name": 42}}, "metadata.name: must be of type string"),
        (
            {"metadata": {"name": "Cat\n"}},
            (
                "metadata.name: must be at most 253 lower-case letters, digits, - and ., "
                "with a letter or digit at both ends"
            ),
        ),
        (
            {"metadata": {"name": "cat", "namespace": "team.a"}},
            (
                "metadata.namespace: must be at most 63 lower-case letters, digits, -, "
                "with a letter or digit at both ends"
            ),
        ),
        (
            {"metadata": {"name": "cat", "labels": {"album": 7}}},
            "metadata.labels[...]: Expected `str`, got `int`",
        ),
        (
            {"apiVersion": "imagejob.dev/v2"},
            (
                'apiVersion: Unsupported value: "imagejob.dev/v2": '
                'supported values: "imagejob.dev/v1alpha1"'
            ),
        ),
        (
            {"kind": "ImageJobs"},
            (
                'kind: Unsupported value: "ImageJobs": '
                'supported values: "ImageJob", "ImageProfile", "ImageStore", "ImageQuota"'
            ),
        ),
        ({"spce": {}}, 'unknown field "spce", did you mean spec?'),
        (
            {"spec": {**JOB["spec"], "suspend": "no"}},
            "spec.suspend: must be of type boolean, not string",
        ),
        (
            {"spec": {**JOB["spec"], "priority": True}},
            "spec.priority: must be of type integer, not boolean",
        ),
        (
            {"spec": {**JOB["spec"], "source": {"storeRef": {"name": "uploads"}, "key": "\ud800"}}},
            "spec.source.key: must be Unicode text: it contains an unpaired surrogate",
        ),
    ],
)
def test_words(change: Schema, complaint: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        admit({**JOB, **change}, "default")

    assert [str(fault) for fault in refusal.value.faults] == [complaint]


def test_an_object_is_as_the_api_server_would_store_it() -> None:
    one = admit({**JOB, "status": {"phase": "Failed"}}, "team-a")
    other = admit({**JOB, "metadata": {"name": "cat", "namespace": "team-b"}}, "team-a")

    assert one
    assert other
    assert (one.metadata.namespace, other.metadata.namespace) == ("team-a", "team-b")
    assert one.metadata.generation == 1
    assert one.metadata.uid != other.metadata.uid
    assert one == admit(JOB, "team-a")  # nobody may set the status, and the UID is always the same


def test_a_field_that_is_null_is_left_out() -> None:
    spec = {**JOB["spec"], "priority": None, "destination": None}

    assert admit({**JOB, "spec": spec}, "default") == admit(JOB, "default")


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_schemas_are_those_of_the_crds(name: str) -> None:
    (kind,) = (kind for kind, plural in KINDS.items() if plural == name)

    assert shipped(kind) == schema(name)


def test_every_rule_of_the_crds_is_known_and_no_other() -> None:
    of_crds = {
        rule["rule"]
        for name in NAMES
        for field in [schema(name), *(field for _, field in fields(schema(name)))]
        for rule in field.get("x-kubernetes-validations", ())
        if "oldSelf" not in rule["rule"]
    }

    assert set(RULES) == of_crds
