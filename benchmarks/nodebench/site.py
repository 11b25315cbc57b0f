"""Where it is measured: a cluster that runs already, this checkout's operator, and an S3 server."""

from __future__ import annotations

import hashlib
import io
import secrets
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from imagejob_dev.attached import AttachedCluster
from operatorbench import crowd
from PIL import Image

from nodebench import manifests, photos
from nodebench.manifests import OUTPUT, STORE, Model
from nodebench.watching import Arrivals, FailedError, Workers, image_job_is_done

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

BUCKET = "bench"
SETTINGS = {"quota": "1000000/1h", "log_level": "WARNING"}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
REHEARSAL = 2
TIDY_SECONDS = 300.0
CALM_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """How to get at a cluster, and what the operator is told: see `benchmarks/node.py --help`."""

    kubeconfig: Path
    worker_image: str
    host_address: str
    settings: Mapping[str, str] = field(default_factory=dict)


class Site:
    """A cluster with the CRDs, and `photos` in an S3 server that its pods reach."""

    def __init__(
        self, cluster: AttachedCluster, names: Sequence[str], settings: Mapping[str, str]
    ) -> None:
        self.cluster = cluster
        self._settings = SETTINGS | dict(settings)
        self.rest = cluster.rest
        self.photos = names
        self._namespaces: list[str] = []

    @contextmanager
    def operator(self) -> Iterator[None]:
        """This checkout's operator, as a process of this machine; it has done some work already."""
        program = self.cluster.operator(**self._settings)
        program.start()
        try:
            self.learn(f"rehearsal-{secrets.token_hex(2)}")
            yield
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{program.log_end()}") from error
        finally:
            program.stop()

    @contextmanager
    def namespace(self, stores: Iterable[str] = (STORE,)) -> Iterator[str]:
        """A tenant's; when it is left, its Jobs and pods are gone."""
        name = f"bench-{secrets.token_hex(4)}"
        body = {"metadata": {"name": name, "labels": RESTRICTED}}
        self.rest.post("/api/v1/namespaces", body)
        self._namespaces.append(name)
        path = f"/api/v1/namespaces/{name}/serviceaccounts"
        self.cluster.wait_for(path, lambda accounts: accounts or None)
        crowd.create(self.rest, manifests.furniture(name, self.cluster.s3, BUCKET, stores))
        yield name
        self.tidy(name)

    def leave(self) -> None:
        """Delete the namespaces: not while anything is measured, for it takes the cluster long."""
        for name in self._namespaces:
            self.rest.delete(f"/api/v1/namespaces/{name}")

    def learn(self, prefix: str) -> Model:
        """What the operator makes of one ImageJob; that it makes anything at all."""
        with self.namespace() as namespace:
            workers = Workers(self.rest, manifests.path(namespace, "jobs"))
            path = manifests.path(namespace, "imagejobs")
            arrivals = Arrivals(self.rest, path, image_job_is_done)
            with closing(workers), closing(arrivals):
                for photo in self.photos[:REHEARSAL]:
                    self.rest.post(path, manifests.image_job(photo, photo, prefix))
                    arrivals.wait([photo])
                return Model(next(iter(workers.jobs.values())))

    def tidy(self, namespace: str) -> None:
        """Delete Jobs, and wait until no pod is left, and a moment: then the node is idle.

        The operator deletes its Jobs too, but ten seconds later.
        """
        self.rest.delete(f"{manifests.path(namespace, 'jobs')}?propagationPolicy=Background")
        for plural in ("jobs", "pods"):
            path = manifests.path(namespace, plural)
            self.cluster.wait_for(path, lambda left: None if left else True, TIDY_SECONDS)
        time.sleep(CALM_SECONDS)

    def digest(self, prefix: str, names: Sequence[str]) -> str:
        """Of all outputs below a prefix: SHA-256 of their names and contents.

        FailedError if there is not exactly one for each photo, or the first is no such picture.
        """
        with closing(self.cluster.s3.client()) as client:
            listed = client.list_objects_v2(Bucket=BUCKET, Prefix=f"{prefix}/").get("Contents", [])
            keys = sorted(entry["Key"] for entry in listed)
            wanted = [f"{prefix}/{name}/{OUTPUT['name']}.{OUTPUT['format']}" for name in names]
            if keys != sorted(wanted):
                raise FailedError(f"{len(keys)} outputs under {prefix}, not {len(wanted)}")
            pictures = [client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys]
        with Image.open(io.BytesIO(pictures[0])) as first:
            if (first.format, first.width) != ("WEBP", OUTPUT["width"]):
                raise FailedError(f"{keys[0]} is {first.format} of {first.width} px")
        found = hashlib.sha256()
        for name, picture in zip(sorted(names), pictures, strict=True):
            found.update(name.encode() + hashlib.sha256(picture).digest())
        return found.hexdigest()


@contextmanager
def opened(place: Place, count: int, folder: Path, cache: Path) -> Iterator[Site]:
    """The CRDs, roles and policies are installed, and stay; `count` photos are uploaded."""
    address = place.host_address
    with AttachedCluster(folder, place.kubeconfig, place.worker_image, address) as cluster:
        cluster.install()
        cluster.s3.make_bucket(BUCKET)
        with closing(cluster.s3.client()) as client:
            names = photos.upload(client, BUCKET, count, cache)
        site = Site(cluster, names, place.settings)
        try:
            yield site
        finally:
            site.leave()
