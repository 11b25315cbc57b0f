"""The ImageJob of an upload, and its outputs."""

from __future__ import annotations

import jsonschema
import msgspec
import pytest
from imagejob_gateway.images.kinds import ON_BEHALF_OF, OWNER_LABEL, UPLOAD_LABEL, Image
from imagejob_gateway.images.manifest import NewImage, manifest
from imagejob_gateway.images.outputs import download, find_output, store_of_outputs
from imagejob_gateway.problem import ProblemError, ProblemReason
from support import apischema

NEW = NewImage(
    *("img-1", "0" * 40, "web", "uploads", "uploads/c/original", "a" * 64),
    on_behalf_of="https://issuer.example#alice",
    upload="c",
)
OUTPUT = {
    "name": "thumb",
    "key": "derived/img-1/thumb.jpg",
    "format": "jpeg",
    "width": 1,
    "height": 1,
    "bytes": 1,
    "sha256": "b" * 64,
}


def image(phase: str | None = None, **spec: object) -> Image:
    body = manifest(NEW, "team-a")
    body["spec"] |= spec
    status = {"phase": phase, "outputs": [OUTPUT]} if phase == "Succeeded" else {"phase": phase}
    return msgspec.convert(body | {"status": status if phase else {}}, Image)


def test_the_manifest_is_what_the_crd_takes() -> None:
    body = manifest(NEW, "team-a")

    jsonschema.validate(body["spec"], apischema.schema("imagejobs", "spec"))
    assert body["spec"] == {
        "source": {"storeRef": {"name": "uploads"}, "key": NEW.key, "sha256": NEW.sha256},
        "profileRef": {"name": "web"},
    }
    assert body["metadata"]["labels"][OWNER_LABEL] == NEW.owner
    assert body["metadata"]["labels"][UPLOAD_LABEL] == NEW.upload
    assert body["metadata"]["annotations"] == {ON_BEHALF_OF: NEW.on_behalf_of}
    assert image().owner == NEW.owner


def test_an_output_is_found_by_its_name() -> None:
    found = find_output(image("Succeeded"), "thumb")

    assert download(found) == ("image/jpeg", 'inline; filename="thumb.jpg"')


@pytest.mark.parametrize(
    ("phase", "reason"),
    [
        ("Succeeded", ProblemReason.NOT_FOUND),
        ("Running", ProblemReason.NOT_FINISHED),
        (None, ProblemReason.NOT_FINISHED),
    ],
)
def test_another_output_is_missing_or_not_there_yet(
    phase: str | None, reason: ProblemReason
) -> None:
    with pytest.raises(ProblemError) as raised:
        find_output(image(phase), "full")

    assert raised.value.problem.reason == reason


def test_outputs_are_in_the_destination_s_store() -> None:
    assert store_of_outputs(image()) == "uploads"
    assert store_of_outputs(image(destination={"prefix": "x"})) == "uploads"
    assert store_of_outputs(image(destination={"storeRef": {"name": "cdn"}})) == "cdn"
