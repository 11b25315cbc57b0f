"""The operator's model and the CRDs mean the same fields.

Adding, renaming or retyping a field on one side only fails here.
"""

from __future__ import annotations

import copy
from typing import Annotated, Literal

import msgspec
import pytest
from imagejob_operator.api import imagejob, imageprofile, imagequota, imagestore
from imagejob_operator.contract import report
from support.agreement import differences
from support.apischema import NAMES, Schema, crd, schema


@pytest.mark.parametrize(
    ("struct", "name"),
    [
        (imagejob.ImageJobSpec, "imagejobs"),
        (imageprofile.ImageProfileSpec, "imageprofiles"),
        (imagestore.ImageStoreSpec, "imagestores"),
        (imagequota.ImageQuotaSpec, "imagequotas"),
    ],
)
def test_a_spec(struct: type[msgspec.Struct], name: str) -> None:
    assert differences(struct, schema(name, "spec")) == []


@pytest.mark.parametrize(
    ("struct", "name"),
    [
        (imagejob.ImageJobStatus, "imagejobs"),
        (imagequota.ImageQuotaStatus, "imagequotas"),
    ],
)
def test_a_status(struct: type[msgspec.Struct], name: str) -> None:
    assert differences(struct, schema(name, "status"), written_by_us=True) == []


def test_phases() -> None:
    phases = schema("imagejobs", "status", "phase")["enum"]

    assert imagejob.ImageJobStatus(phase="Pending").phase in phases
    assert set(phases) >= imagejob.FINISHED


def test_every_kind_of_the_api_has_a_model() -> None:
    kinds = {crd(name)["spec"]["names"]["kind"] for name in NAMES}

    modules = (imagejob, imageprofile, imagequota, imagestore)
    modelled = {kind for kind in kinds for module in modules if hasattr(module, kind)}

    assert modelled == kinds


class TestReport:
    """Whatever a worker reports, the API server accepts the resulting status."""

    STATUS = schema("imagejobs", "status")["properties"]

    def test_removed_metadata(self) -> None:
        names = report.Removed(1023).names()

        assert list(names) == self.STATUS["removedMetadata"]["items"]["enum"]

    def test_notes(self) -> None:
        limit = self.STATUS["notes"]["items"]["maxLength"]

        assert max(map(len, report.NOTES.values())) <= limit

    def test_formats(self) -> None:
        source, made = self.STATUS["source"], self.STATUS["outputs"]["items"]

        assert list(report.SOURCE_FORMATS.values()) == source["properties"]["format"]["enum"]
        assert list(report.OUTPUT_FORMATS.values()) == made["properties"]["format"]["enum"]

    @pytest.mark.parametrize(
        ("struct", "field"),
        [
            *(
                (report.SourceFacts, ("source", name))
                for name in ("width", "height", "frames", "bytes")
            ),
            *((report.Made, ("outputs", name)) for name in ("width", "height", "bytes")),
        ],
    )
    def test_counts(self, struct: type[msgspec.Struct], field: tuple[str, str]) -> None:
        within, name = field
        object_schema = self.STATUS[within].get("items", self.STATUS[within])
        largest = _maximum(struct, name)

        assert object_schema["properties"][name]["minimum"] == 0
        assert object_schema["properties"][name]["maximum"] >= largest

    def test_milliseconds(self) -> None:
        assert self.STATUS["processingMillis"]["maximum"] >= _maximum(report.Done, "millis")


def _maximum(struct: type[msgspec.Struct], name: str) -> int:
    info = msgspec.inspect.type_info(struct)
    assert isinstance(info, msgspec.inspect.StructType)
    (kind,) = [field.type for field in info.fields if field.name == name]
    assert isinstance(kind, msgspec.inspect.IntType)
    assert kind.le is not None
    return kind.le


class Fruit(msgspec.Struct, rename="camel"):
    """A subject for the comparator."""

    name: str
    stone_count: Annotated[int, msgspec.Meta(ge=0, le=9)] = 1
    colour: Literal["red", "green"] | None = None
    notes: tuple[str, ...] = ()


FRUIT: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string"},
        "stoneCount": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
        "colour": {"type": "string", "enum": ["green", "red"]},
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}


class TestComparator:
    """It finds the differences that it should find."""

    def test_agreement(self) -> None:
        assert differences(Fruit, FRUIT) == []

    def test_a_field_added_to_the_model_only(self) -> None:
        larger = msgspec.defstruct("Larger", [("weight", int | None, None)], bases=(Fruit,))

        assert differences(larger, FRUIT) == ["weight: only in Python"]

    def test_a_field_added_to_the_crd_only(self) -> None:
        larger = copy.deepcopy(FRUIT)
        larger["properties"]["weight"] = {"type": "integer"}

        assert differences(Fruit, larger) == ["weight: only in the CRD"]

    @pytest.mark.parametrize(
        ("field", "change", "complaint"),
        [
            ("name", {"type": "boolean"}, "name: is string in Python, boolean in the CRD"),
            (
                "name",
                {"type": "string", "default": "plum"},
                "name: has default None in Python, plum in the CRD",
            ),
            (
                "stoneCount",
                {"type": "integer", "minimum": 0, "maximum": 8, "default": 1},
                "stoneCount: has maximum 9 in Python, 8 in the CRD",
            ),
            (
                "stoneCount",
                {"type": "integer", "minimum": 0, "maximum": 9},
                "stoneCount: has default 1 in Python, None in the CRD",
            ),
            (
                "colour",
                {"type": "string", "enum": ["green"]},
                "colour: has enum green, red in Python, green in the CRD",
            ),
            (
                "notes",
                {"type": "array", "items": {"type": "integer"}},
                "notes[]: is string in Python, integer in the CRD",
            ),
        ],
    )
    def test_a_field_changed_on_one_side(self, field: str, change: Schema, complaint: str) -> None:
        changed = copy.deepcopy(FRUIT)
        changed["properties"][field] = change

        assert differences(Fruit, changed) == [complaint]

    def test_a_field_required_on_one_side(self) -> None:
        changed = copy.deepcopy(FRUIT)
        changed["required"] = []

        assert differences(Fruit, changed) == [
            "name: has required True in Python, False in the CRD"
        ]

    def test_the_real_model_with_a_field_missing_from_the_crd(self) -> None:
        poorer = copy.deepcopy(schema("imagejobs", "spec"))
        del poorer["properties"]["outputs"]["items"]["properties"]["progressive"]

        assert differences(imagejob.ImageJobSpec, poorer) == [
            "outputs[].progressive: only in Python"
        ]
