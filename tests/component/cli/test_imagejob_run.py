"""`imagejob run`: real files through the real pipeline, in its own process."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest
from imagejob_cli.kinds import schema
from imagejob_cli.schema import faults
from PIL import Image
from support.imagejob_run import body, job

if TYPE_CHECKING:
    from pathlib import Path

    from support.imagejob_run import Desk

UPLOADS = "--store=uploads=photos"


def size(file: Path) -> tuple[int, int]:
    with Image.open(file) as image:
        return image.size


def test_outputs_and_statuses(desk: Desk) -> None:
    photo = desk.photo("in/cat.jpg", comment=b"taken at home")
    profile = body(
        "ImageProfile", "web", {"outputs": [{"name": "thumb", "width": 64}, {"name": "full"}]}
    )
    jobs = desk.manifest(job("cat", "in/cat.jpg", profileRef={"name": "web"}))

    ended = desk.run(jobs, desk.manifest(profile, name="profile.yaml"), UPLOADS)

    assert (ended.code, ended.err.count("\n")) == (0, 1)
    status = ended.statuses["cat"]
    assert list(faults(status, schema("ImageJob")["properties"]["status"])) == []
    assert status["phase"] == "Succeeded"
    assert status["source"]["sha256"] == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert status["removedMetadata"] == ["comment"]
    assert status["profile"]["name"] == "web"
    assert [entry["reason"] for entry in status["audit"]] == ["Requested", "Admitted", "Succeeded"]
    assert [output["key"] for output in status["outputs"]] == [
        "derived/cat/thumb.jpg",
        "derived/cat/full.jpg",
    ]
    for output in status["outputs"]:
        stored = desk.photos / output["key"]
        assert output["sha256"] == hashlib.sha256(stored.read_bytes()).hexdigest()
        assert size(stored) == (output["width"], output["height"])
    assert list(desk.temporary.iterdir()) == []


OWN = {"storeRef": {"name": "all"}, "prefix": "photos"}
BAD = {
    "lost": (job("lost", "nobody.jpg"), "SourceNotFound", "there is no such file"),
    "notes": (job("notes", "notes.jpg"), "UnsupportedFormat", "plain text"),
    "cut": (job("cut", "cut.jpg"), "CorruptImage", "rows are missing or damaged"),
    "large": (job("large", "cat.jpg", limits={"maxPixels": 9}), "TooLarge", "the limit is 9"),
    "own": (
        job("own", "cat.jpg", {"name": "cat"}, destination=OWN),
        "InvalidSpec",
        'output "cat" would overwrite the source',
    ),
}  # fmt: skip


def test_each_fails_with_its_reason_and_the_rest_go_on(desk: Desk) -> None:
    photo = desk.photo("cat.jpg").read_bytes()
    desk.put("notes.jpg", b"This is no picture.\n" * 9)
    desk.put("cut.jpg", photo[:4000])
    bad = [manifest for manifest, _, _ in BAD.values()]
    paused = job("paused", "cat.jpg", suspend=True)
    jobs = desk.manifest(*bad, paused, job("good", "cat.jpg"))

    ended = desk.run(jobs, UPLOADS, "--store=all=.", "-o=table")

    assert ended.code == 1
    heading, *rows = ended.out.splitlines()
    assert " ".join(heading.split()) == "NAME PHASE REASON SIZE SAVED OUTPUTS REMOVED TIME"
    for row, (name, (_, reason, words)) in zip(rows, BAD.items(), strict=False):
        assert row.split()[:3] == [name, "Failed", reason]
        assert re.search(f"^{name}: .*{words}", ended.out, re.MULTILINE)
        assert re.search(rf"^\[\d/7\] {name}: Failed: {reason}: .*{words}", ended.err, re.MULTILINE)
    assert rows[5].split() == ["paused", "Pending", "Suspended"]
    assert re.fullmatch(
        r"good +Succeeded +Succeeded +[\d.]+ KiB → [\d.]+ K?i?B +\d+ % +thumb +[\d.]+ s", rows[6]
    )
    assert ended.err.count("\n") == 7
    assert (desk.photos / "cat.jpg").read_bytes() == photo
    assert [each.name for each in (desk.photos / "derived").iterdir()] == ["good"]


def test_more_than_an_order_holds(desk: Desk) -> None:
    desk.photo("cat.jpg", 64, 48)
    jobs = desk.manifest(*(job(f"cat-{number}", "cat.jpg") for number in range(20)))

    ended = desk.run(jobs, UPLOADS, "--parallel=3", "--quiet")

    assert (ended.code, ended.err) == (0, "")
    assert [*ended.statuses] == [f"cat-{number}" for number in range(20)]
    assert {status["phase"] for status in ended.statuses.values()} == {"Succeeded"}


def test_the_same_destination_holds_what_came_last(desk: Desk) -> None:
    desk.photo("cat.jpg")
    sizes = (300, 200, 100)
    jobs = [
        job(f"to-{size}", "cat.jpg", {"name": "a", "width": size, "format": "png"},
            destination={"prefix": "same"})
        for size in sizes
    ]  # fmt: skip

    ended = desk.run(desk.manifest(*jobs), UPLOADS, "--parallel=3")

    assert ended.code == 0
    assert size(desk.photos / "same/a.png") == (100, 75)


def test_the_same_run_makes_the_same_bytes(desk: Desk) -> None:
    desk.photo("cat.jpg")
    jobs = desk.manifest(job("cat", "cat.jpg", {"name": "a", "format": "webp"}))

    outputs = [desk.run(jobs, UPLOADS).statuses["cat"]["outputs"] for _ in range(2)]

    assert outputs[0] == outputs[1]


def test_formats_are_allowed_by_option(desk: Desk) -> None:
    desk.photo("cat.gif", format="GIF")
    jobs = desk.manifest(job("cat", "cat.gif"))

    refused, allowed = desk.run(jobs, UPLOADS), desk.run(jobs, UPLOADS, "--allow-format=gif")

    assert (refused.code, allowed.code) == (1, 0)
    assert "UnsupportedFormat" in refused.err


def test_json_from_what_kubectl_prints(desk: Desk) -> None:
    desk.photo("cat.jpg")
    given = {"apiVersion": "v1", "kind": "List", "items": [job("cat", "cat.jpg")]}

    ended = desk.run("-", UPLOADS, "--output=json", "-n=team-a", stdin=json.dumps(given))

    (printed,) = json.loads(ended.out)["items"]
    assert ended.code == 0
    assert printed["metadata"] == {"name": "cat", "namespace": "team-a"}
    assert printed["status"]["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["jobs.yaml"], 'no folder for store "uploads" of ImageJob cat: add --store uploads=DIR'),
        (["nobody.yaml"], "nobody.yaml: No such file or directory"),
        (["photos"], "photos: the folder has no file that ends in .yaml, .yml, .json"),
        (["bad.yaml"], "bad.yaml, ImageJob a: spec.suspend: must be of type boolean, not string"),
        (["secret.yaml", UPLOADS], "the files contain no ImageJob"),
    ],
)
def test_nothing_is_run(desk: Desk, arguments: list[str], line: str) -> None:
    desk.photo("cat.jpg")
    desk.manifest(job("cat", "cat.jpg"))
    desk.manifest(job("a", "a", suspend="no"), name="bad.yaml")
    desk.manifest({"apiVersion": "v1", "kind": "Secret"}, name="secret.yaml")

    ended = desk.run(*arguments)

    assert (ended.code, ended.out, ended.err) == (2, "", f"imagejob: {line}\n")
    assert not (desk.photos / "derived").exists()


def test_other_objects_are_left_aside(desk: Desk) -> None:
    desk.photo("cat.jpg")
    quota = body("ImageQuota", "default", {"limits": [{"jobs": 1, "per": "1h"}]})

    ended = desk.run(desk.manifest(quota, job("cat", "cat.jpg")), UPLOADS)

    assert ended.code == 0
    assert "imagejob: ignored: " in ended.err
    assert "jobs.yaml, document 1: ImageQuota default\n" in ended.err
