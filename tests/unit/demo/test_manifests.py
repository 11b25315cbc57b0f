"""The manifests in examples/demo are those of the photos and the bad uploads."""

from __future__ import annotations

import pytest
import yaml
from imagejob_demo import profile, store
from imagejob_demo.photos import PHOTOS
from imagejob_demo.profile import Wanted
from imagejob_demo.uploads import BAD_UPLOADS
from imagejob_dev.state import State
from support.paths import ROOT

EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize(
    ("file", "uploads"), [("photos.yaml", PHOTOS), ("bad-uploads.yaml", BAD_UPLOADS)]
)
def test_there_is_one_for_each_upload(file: str, uploads: tuple[object, ...]) -> None:
    documents = list(yaml.safe_load_all((EXAMPLES / "demo" / file).read_text()))

    found = {each["metadata"]["name"]: each["spec"]["source"]["key"] for each in documents}
    assert found == {each.name: each.key for each in uploads}
    assert all(each["spec"]["profileRef"] == {"name": "web"} for each in documents)
    assert all(each["spec"]["source"]["storeRef"] == {"name": "uploads"} for each in documents)


def test_the_store_is_the_example_for_this_runs_server() -> None:
    cluster = State(1, "", "", "", "http://127.0.0.1:9", "us-east-1", "key", "secret", [])

    text = store.manifests(cluster, "team-photos", EXAMPLES / "store.yaml")

    secret, image_store = yaml.safe_load_all(text)
    assert image_store["metadata"]["name"] == "uploads"
    assert image_store["spec"]["s3"] == {
        "endpoint": "http://127.0.0.1:9",
        "region": "us-east-1",
        "bucket": "team-photos",
        "pathStyle": True,
        "credentials": {"secretRef": {"name": secret["metadata"]["name"]}},
    }
    assert secret["stringData"] == {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def test_the_profile_is_understood() -> None:
    outputs = {output.name: output for output in profile.read(EXAMPLES / "profile-web.yaml")}

    assert outputs["thumb"] == Wanted("thumb", 320, 320, "cover")
    assert outputs["full"].max_bytes == 1024**2


@pytest.mark.parametrize(
    ("wanted", "source", "size", "expected"),
    [
        (Wanted("w", 1080), (2268, 3024), (1080, 1440), True),
        (Wanted("w", 1080), (2268, 3024), (810, 1080), False),
        (Wanted("never enlarged", 1080), (500, 500), (500, 500), True),
        (Wanted("never enlarged", 1080), (500, 500), (1080, 1080), False),
        (Wanted("whole", None, None), (1600, 1000), (1600, 1000), True),
        (Wanted("box", 300, 300), (600, 300), (300, 150), True),
        (Wanted("cover", 320, 320, "cover"), (1600, 1000), (320, 320), True),
        (Wanted("cover", 320, 320, "cover"), (1600, 1000), (320, 200), False),
    ],
    ids=lambda value: value.name if isinstance(value, Wanted) else None,
)
def test_the_size_that_a_profile_asks_for(
    wanted: Wanted, source: tuple[int, int], size: tuple[int, int], *, expected: bool
) -> None:
    assert wanted.fits(size, source) is expected
