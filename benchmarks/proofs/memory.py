"""An operator that starts among a great many large objects, and a neighbour who wants a picture."""

from __future__ import annotations

import io
import re
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from imagebench.processes import peak_rss
from imagejob_dev.ports import LOOPBACK, free_ports
from operatorbench import crowd
from PIL import Image

from proofs import hostile, limited, probing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imagejob_dev.cluster import Cluster
    from imagejob_dev.program import Program
    from imagejob_dev.rest import Object, Rest

PAGE = 16
"""Objects of a page: what the operator comes to with such."""

LISTS = (
    *(f"{crowd.API}/{plural}" for plural in (*hostile.KINDS, "imagequotas")),
    "/apis/batch/v1/jobs",
    "/api/v1/pods",
)
CONTINUE = re.compile(rb'"continue":"([^"]+)"')
ENDS = 2000
"""Bytes. Built-in kinds have a list's metadata before its items, others behind them."""

NEIGHBOUR = "neighbour"
PATIENCE = 300.0


class Raw(NamedTuple):
    """What it takes to read everything, and to do nothing with it."""

    seconds: float
    size: int


class Restart(NamedTuple):
    """What came of it: seconds from the start, bytes."""

    ready: float
    first_picture: float
    peak: int
    limited_by: str


def fill(rest: Rest, namespaces: Sequence[str], count: int) -> float:
    """With hostile objects; the seconds that it took."""
    for name in namespaces:
        rest.post("/api/v1/namespaces", {"metadata": {"name": name}})
    return crowd.create(rest, list(hostile.posts(namespaces, count)))


def read_raw(rest: Rest) -> Raw:
    """All that the operator lists, page by page, over one connection."""
    began, size = time.monotonic(), 0
    with rest.session(PATIENCE) as session:
        for path in LISTS:
            more = ""
            while True:
                query = f"?limit={PAGE}" + (f"&continue={more}" if more else "")
                body = session.send("GET", path + query).body
                size += len(body)
                found = CONTINUE.search(body[:ENDS]) or CONTINUE.search(body[-ENDS:])
                if not found:
                    break
                more = found[1].decode()
    return Raw(time.monotonic() - began, size)


def furnish(cluster: Cluster) -> None:
    """The neighbour's namespace, store and upload."""
    rest = cluster.rest
    rest.post("/api/v1/namespaces", {"metadata": {"name": NEIGHBOUR}})
    bucket, keys = cluster.s3.make_bucket(NEIGHBOUR), cluster.s3.credentials
    with closing(cluster.s3.client()) as client:
        client.put_object(Bucket=bucket, Key="photo.png", Body=_picture())
    data = {"AWS_ACCESS_KEY_ID": keys.access_key, "AWS_SECRET_ACCESS_KEY": keys.secret_key}
    secret = {"metadata": {"name": "uploads"}, "stringData": data}
    rest.post(f"/api/v1/namespaces/{NEIGHBOUR}/secrets", secret)
    s3 = {
        "endpoint": cluster.s3.endpoint,
        "bucket": bucket,
        "credentials": {"secretRef": {"name": "uploads"}},
    }
    stores = f"{crowd.API}/namespaces/{NEIGHBOUR}/imagestores"
    rest.post(stores, crowd.ours("ImageStore", "uploads", {"s3": s3}))


def restart(cluster: Cluster, limit: int, name: str = "photo") -> Restart:
    """Start an operator that may have so much memory; apply an ImageJob at that moment."""
    (port,) = free_ports(1)
    program = cluster.operator(
        f"{name}-operator",
        program=(str(limited.__file__), str(limit)),
        listen=f"{LOOPBACK}:{port}",
    )
    began = time.monotonic()
    program.launch()
    try:
        jobs = f"{crowd.API}/namespaces/{NEIGHBOUR}/imagejobs"
        source = {"storeRef": {"name": "uploads"}, "key": "photo.png"}
        spec = {"source": source, "outputs": [{"name": "thumb", "width": 32}]}
        cluster.rest.post(jobs, crowd.ours("ImageJob", name, spec))
        probing.wait_for(program, lambda: probing.readiness(port).status == 200, PATIENCE)
        ready = time.monotonic() - began
        probing.wait_for(
            program, lambda: _phase(cluster.rest.get(f"{jobs}/{name}")) == "Succeeded", PATIENCE
        )
        done = time.monotonic() - began
        assert program.pid  # noqa: S101 (it runs)
        return Restart(ready, done, peak_rss(program.pid), _limited_by(program))
    finally:
        program.stop()


def _phase(job: Object) -> str:
    phase: str = job.get("status", {}).get("phase", "")
    if phase == "Failed":
        raise RuntimeError(f"the neighbour's ImageJob failed: {job['status']['conditions']}")
    return phase


def _limited_by(program: Program) -> str:
    lines = Path(program.log).read_text().splitlines()
    line = next((each for each in lines if each.startswith("limited by")), "")
    return line.removeprefix("limited by ").split(" ")[0].strip()


def _picture() -> bytes:
    file = io.BytesIO()
    Image.linear_gradient("L").save(file, "PNG")
    return file.getvalue()
