"""What ImageJobs reference has to be there, and the message if it isn't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from imagejob_cli.given import Intake, Task, stores_of
from imagejob_cli.reading import Text

Body = dict[str, Any]

FOLDERS = {"uploads": Path("photos"), "unused": Path("elsewhere")}


def job(name: str = "cat", namespace: str | None = None, **spec: Any) -> Body:
    source = {"storeRef": {"name": "uploads"}, "key": f"{name}.jpg"}
    wanted = {"outputs": [{"name": "thumb"}]} if "profileRef" not in spec else {}
    return body("ImageJob", name, namespace, {"source": source, **wanted, **spec})


def profile(name: str = "web", namespace: str | None = None) -> Body:
    return body("ImageProfile", name, namespace, {"outputs": [{"name": "thumb"}]})


def body(kind: str, name: str, namespace: str | None, spec: Body) -> Body:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    version = "imagejob.dev/v1alpha1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


class Gathered:
    """All tasks, and what was said meanwhile."""

    def __init__(self, *bodies: Body) -> None:
        texts = [
            Text(f"file {number}", json.dumps(each).encode())
            for number, each in enumerate(bodies, 1)
        ]
        self.complaints: list[str] = []
        self.intake = Intake(texts, FOLDERS, "default", self.complaints.append)
        self.tasks: list[Task] = list(self.intake.tasks())


SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s3"}}
QUOTA = body("ImageQuota", "default", None, {"limits": [{"jobs": 1, "per": "1h"}]})
WEB = {"profileRef": {"name": "web"}}


@pytest.mark.parametrize(
    ("bodies", "complaints"),
    [
        ([], ["the files contain no ImageJob"]),
        ([profile(), SECRET], ["the files contain no ImageJob"]),
        (
            [job(**WEB), job("dog", **WEB)],
            [
                (
                    'ImageProfile "web" is not in the files, but ImageJob cat and 1 more in '
                    'namespace "default" references it: pass its file too'
                )
            ],
        ),
        (
            [job(**WEB), profile(namespace="team-a")],
            [
                (
                    'ImageProfile "web" is not in the files (there is one in namespace "team-a"), '
                    'but ImageJob cat in namespace "default" references it: pass its file too'
                )
            ],
        ),
        (
            [
                job(source={"storeRef": {"name": "in"}, "key": "cat.jpg"}),
                job("dog", destination={"storeRef": {"name": "out"}}),
                job("owl", destination={"storeRef": {"name": "out"}}),
            ],
            [
                'no folder for store "in" of ImageJob cat: add --store in=DIR',
                'no folder for store "out" of ImageJob dog and 1 more: add --store out=DIR',
            ],
        ),
        ([job(), job()], ["file 2, ImageJob cat: is a duplicate of the one in file 1"]),
        (
            [job(), profile(), profile(namespace="default")],
            ["file 3, ImageProfile web: is a duplicate of the one in file 2"],
        ),
        (
            [job(priority=101), job("dog", outputs=[])],
            [
                "file 1, ImageJob cat: spec.priority: should be less than or equal to 100, not 101",
                "file 2, ImageJob dog: spec.outputs: should have at least 1 items",
            ],
        ),
        (
            [job(), body("ImageQuota", "burst", None, QUOTA["spec"])],
            [
                (
                    "file 2, ImageQuota burst: metadata.name must be default: "
                    "there is one ImageQuota per namespace"
                )
            ],
        ),
    ],
)
def test_lacking(bodies: list[Body], complaints: list[str]) -> None:
    gathered = Gathered(*bodies)

    assert gathered.complaints == complaints
    assert gathered.intake.faults == len(complaints)


def test_what_is_right_comes_all_the_same() -> None:
    gathered = Gathered(job(), job("dog", priority=101), job("owl", **WEB), job("hen"), job())

    assert [task.job.metadata.name for task in gathered.tasks] == ["cat", "hen"]
    assert len(gathered.complaints) == 3


def test_jobs_come_with_their_profiles_in_the_order_given() -> None:
    given = Gathered(profile(), job("owl"), job(**WEB), job("cat", "team-a"))

    found = [
        (task.job.metadata.namespace, task.job.metadata.name, task.profile is not None)
        for task in given.tasks
    ]
    assert found == [
        ("default", "owl", False),
        ("default", "cat", True),
        ("team-a", "cat", False),
    ]


def test_two_names_of_one_folder_are_one_place() -> None:
    stores = stores_of({"one": Path("photos"), "same": Path("elsewhere/../photos")})

    assert stores["one"].spec == stores["same"].spec


def test_what_has_no_meaning_here_is_left_aside() -> None:
    given = Gathered(job(), SECRET, QUOTA, {})

    assert given.intake.ignored == [
        "file 2: Secret s3",
        "file 3: ImageQuota default",
        "file 4: an object without a kind",
    ]
