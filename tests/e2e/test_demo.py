"""What `make demo` shows on a laptop, on a real cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from imagejob_demo import check, play, profile
from imagejob_demo.bucket import Bucket
from imagejob_demo.photos import PHOTOS
from imagejob_demo.statuses import ImageJob
from imagejob_demo.uploads import BAD_UPLOADS
from imagejob_dev.client import REPOSITORY
from support.tenant import Tenant, is_finished

if TYPE_CHECKING:
    from collections.abc import Mapping

    from imagejob_dev.client import Client
    from support.release import Release

SECONDS = 120.0


def test_the_twelve_of_the_demo_end_as_they_do_there(
    cluster: Client, installed: Release, namespace: str
) -> None:
    assert len(installed.pods()) == 2
    team = Tenant(cluster, namespace)
    uploads = paint()
    for key, data in uploads.items():
        team.put(key, data)

    team.open()
    team.kubectl("apply", *(f"--filename={REPOSITORY / file}" for file in play.MANIFESTS))
    team.wait_all(is_finished, len(PHOTOS) + len(BAD_UPLOADS), SECONDS)

    assert complaints(team, uploads) == []
    labels = cluster.rest.get(f"/api/v1/namespaces/{namespace}")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def paint() -> Mapping[str, bytes]:
    """The uploads by key."""
    photos = {photo.key: photo.encoded() for photo in PHOTOS}
    good = photos[PHOTOS[0].key]
    return photos | {bad.key: bad.made_of(good) for bad in BAD_UPLOADS if bad.made_of}


def complaints(team: Tenant, uploads: Mapping[str, bytes]) -> list[str]:
    """The demo's complaints, including those about digests of the stored files."""
    items = team.cluster.rest.get(team.path("imagejobs"))["items"]
    jobs = {job.name: job for job in msgspec.convert(items, list[ImageJob])}
    bucket = Bucket(team.cluster.s3.client(), team.bucket)
    wanted = profile.read(REPOSITORY / play.PROFILE)
    found = {
        photo.name: check.photo(jobs[photo.name], photo, uploads[photo.key], wanted, bucket)
        for photo in PHOTOS
    }
    found |= {bad.name: check.bad_upload(jobs[bad.name], bad, bucket) for bad in BAD_UPLOADS}
    return check.report(found)
