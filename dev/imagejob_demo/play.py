"""The demo from beginning to end."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from imagejob_dev.errors import DevError
from imagejob_dev.progress import Progress
from rich.console import Console

from imagejob_demo import check, door, gallery, live, profile, results, stage, tour
from imagejob_demo.bucket import Bucket
from imagejob_demo.photos import PHOTOS
from imagejob_demo.stage import Paths, Stage
from imagejob_demo.statuses import ImageJob
from imagejob_demo.store import manifests
from imagejob_demo.uploads import BAD_UPLOADS
from imagejob_demo.watch import watching

if TYPE_CHECKING:
    from imagejob_dev.state import State

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = Path("examples")
PROFILE = EXAMPLES / "profile-web.yaml"
MANIFESTS = (PROFILE, EXAMPLES / "demo" / "photos.yaml", EXAMPLES / "demo" / "bad-uploads.yaml")
WAIT_SECONDS = 180.0
WHAT_IT_IS = {each.name: each.about for each in (*PHOTOS, *BAD_UPLOADS)}

INTRODUCTION = """\
[bold]8 photos and 4 bad uploads on their way through imagejob-operator[/bold]
A real Kubernetes API server, a real S3 server, the operator and its workers, as processes of this
machine: no root, no Docker. All of it listens on 127.0.0.1 only, and keeps what it has in {root}.
"""


def play(paths: Paths, console: Console) -> int:
    """0 if everything is as it must be; then the stage stays up, else it is struck."""
    began = time.monotonic()
    console.print(INTRODUCTION.format(root=tour.short(paths.root)), highlight=False)
    progress = Progress(sys.stdout)
    try:
        _clear(paths, progress)
        uploads = _paint(paths, progress)
        running = stage.build(paths, progress)
        bucket = _upload(running.cluster, uploads, progress)
        entrance = door.build(running, progress)
        complaints = _perform(running, bucket, uploads, console)
        if not complaints:
            door.upload(entrance, paths.uploads / PHOTOS[0].key, console)
    except (DevError, EOFError) as error:
        complaints = [str(error)]
    except BaseException:
        console.print()  # after whatever line was under way
        _strike(paths, progress)
        raise
    if complaints:
        _complain(complaints, console)
        if kept := stage.keep_logs(paths):
            console.print(f"The logs are kept in {tour.short(kept)}.", highlight=False)
        _strike(paths, progress)
        return 1
    console.print(tour.farewell(running, time.monotonic() - began), highlight=False)
    return 0


def _complain(complaints: Sequence[str], console: Console) -> None:
    console.print("\n[bold red]Not everything is as it must be:[/bold red]")
    for complaint in complaints:
        console.print(f"  {complaint}", highlight=False, markup=False, soft_wrap=True)
    console.print()


def _clear(paths: Paths, progress: Progress) -> None:
    """An earlier demo goes, for its ImageJobs have run, and the code may be another by now."""
    if paths.cluster.exists():
        progress.start("stopping the demo that ran before")
        stage.strike(paths)
        progress.done()


def _strike(paths: Paths, progress: Progress) -> None:
    progress.start("stopping everything that was started")
    stage.strike(paths)
    progress.done()


def _paint(paths: Paths, progress: Progress) -> Mapping[str, bytes]:
    """All uploads by key. They also go into a folder, to look at."""
    progress.start("painting 8 photos and making 4 bad uploads")
    uploads: dict[str, bytes] = {}
    for photo in PHOTOS:
        progress.tick(photo.file)
        uploads[photo.key] = photo.encoded()
    for bad in BAD_UPLOADS:
        if bad.made_of:
            uploads[bad.key] = bad.made_of(uploads[PHOTOS[0].key])
    for key, data in uploads.items():
        file = paths.uploads / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    progress.done()
    return uploads


def _upload(cluster: State, uploads: Mapping[str, bytes], progress: Progress) -> Bucket:
    progress.start(f"uploading them to {cluster.s3_endpoint}")
    bucket = Bucket.of(cluster)
    bucket.create()
    for key, data in uploads.items():
        bucket.put(key, data)
    progress.done()
    return bucket


def _perform(
    running: Stage, bucket: Bucket, uploads: Mapping[str, bytes], console: Console
) -> Sequence[str]:
    """Apply, watch, check, show. What is wrong, if anything is."""
    paths = running.paths
    paths.store.touch(mode=0o600)
    paths.store.write_text(manifests(running.cluster, bucket.name, EXAMPLES / "store.yaml"))
    with watching(running.cluster.kubectl, str(paths.kubeconfig), stage.NAMESPACE) as watch:
        for files in ((paths.store,), MANIFESTS):
            arguments = " ".join(f"-f {tour.short(file)}" for file in files)
            console.print(f"$ kubectl apply {arguments}", style="bold", highlight=False)
            running.kubectl("apply", *(f"--filename={file}" for file in files))
        jobs = live.follow(console, watch, WHAT_IT_IS, WAIT_SECONDS, running.assert_operator)
    complaints = _check(jobs, bucket, uploads)
    seconds = {name: watch.seconds(name) for name in WHAT_IT_IS}
    photos, bad = ([jobs[each.name] for each in part] for part in (PHOTOS, BAD_UPLOADS))
    console.print(results.tables(photos, bad, seconds, complaints))
    gallery.hang(jobs, bucket, uploads).save(paths.sheet)
    return check.report(complaints)


def _check(
    jobs: Mapping[str, ImageJob], bucket: Bucket, uploads: Mapping[str, bytes]
) -> Mapping[str, Sequence[str]]:
    wanted = profile.read(PROFILE)
    return {
        **{
            photo.name: check.photo(jobs[photo.name], photo, uploads[photo.key], wanted, bucket)
            for photo in PHOTOS
        },
        **{bad.name: check.bad_upload(jobs[bad.name], bad, bucket) for bad in BAD_UPLOADS},
    }
