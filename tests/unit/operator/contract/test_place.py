"""Places are compared by identity: different spellings of one are equal, different places never."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.cache.destination import overwriting_output
from imagejob_operator.contract.place import (
    DestinationKey,
    destination_key,
    destination_key_in_order,
)
from imagejob_operator.imagejob import job_builder as manifests
from imagejob_operator.imagejob.gather import gather
from imagejob_operator.imagejob.resolve import Resolved
from imagejob_operator.kube.worker import WorkerJob
from support.api_objects import (
    PLATFORM,
    image_job,
    pod,
    profile,
    running,
    store,
    terminated,
    worker_job,
)
from support.caches import RecordingCache
from support.examples import examples
from support.resolving import resolve

Draw = st.DrawFn
LABELS = st.text("ab19-", max_size=5).map(lambda text: f"n{text}z")
STEPS = st.text("Aab0_ß%-", min_size=1, max_size=4)
PORTS = st.integers(1, 65535)
PATIENT = settings(suppress_health_check=[HealthCheck.too_slow])
REGIONS = ["eu-central-1", "us-east-1", "ap-southeast-2"]


class Spelled(msgspec.Struct, frozen=True):
    """An object as an ImageStore and a key refer to it, in one of its spellings."""

    s3: dict[str, Any]
    key: str

    @property
    def place(self) -> DestinationKey:
        return destination_key(self.store("a"), self.key)

    def store(self, name: str) -> ImageStore:
        return store(name, s3={**self.s3, "credentials": {"secretRef": {"name": "s"}}})


class Thing(msgspec.Struct, frozen=True):
    """An object in a bucket: on a server (names or an address), below a folder of its endpoint."""

    host: tuple[str, ...] | int
    port: int
    bucket: str
    path: tuple[str, ...]


def test_a_store_without_s3_and_volume_has_no_destination() -> None:
    with pytest.raises(ValueError, match="neither s3 nor volume"):
        destination_key(store("a", s3=None), "cat.jpg")


@st.composite
def things(draw: Draw) -> Thing:
    hosts = st.one_of(
        st.lists(LABELS, min_size=3, max_size=5).map(tuple), st.integers(0, 2**32 - 1)
    )
    path = st.lists(STEPS, min_size=2, max_size=4).map(tuple)
    return Thing(draw(hosts), draw(PORTS), draw(LABELS.filter(lambda b: len(b) > 2)), draw(path))


@st.composite
def spellings(draw: Draw, thing: Thing) -> Spelled:
    """One spelling: none of the choices changes the place."""
    is_named = isinstance(thing.host, tuple)
    host = ".".join(thing.host) if isinstance(thing.host, tuple) else draw(addresses(thing.host))
    host = draw(st.sampled_from([str.lower, str.upper, str.title]))(host)
    bucket, path_style, rest = thing.bucket, True, thing.path
    if is_named:
        host += draw(st.sampled_from(["", "."]))
        how = draw(st.sampled_from(["in the path", "in the name", "named by the endpoint"]))
        path_style = how != "in the name"
        if how == "named by the endpoint":
            host, bucket, rest = f"{thing.bucket}.{host}", thing.path[0], thing.path[1:]
    scheme, port = draw(ports(thing.port))
    at = draw(st.integers(0, len(rest) - 1))
    slashes = draw(st.sampled_from(["", "/", "//"]))
    s3 = {
        "endpoint": f"{scheme}://{host}{port}{slashes}",
        "bucket": bucket,
        "pathStyle": path_style,
    }
    if at:
        s3["prefix"] = "/".join(rest[:at])
    return Spelled(s3, "/".join(rest[at:]))


@st.composite
def ports(draw: Draw, port: int) -> tuple[str, str]:
    if port in (80, 443):
        return draw(
            st.sampled_from([("http", ""), ("http", ":80"), ("https", ""), ("https", ":443")])
        )
    return draw(st.sampled_from(["http", "https"])), f":{'0' if port < 10_000 else ''}{port}"


@st.composite
def addresses(draw: Draw, number: int) -> str:
    """An IPv4 address in the notations that programs accept."""
    usual = str(ipaddress.IPv4Address(number))
    short = f"{number >> 24}.{number & 0xFFFFFF}"
    parts = [f"0x{int(part):02x}" if draw(st.booleans()) else part for part in usual.split(".")]
    octal = ".".join(f"0{int(part):o}" for part in usual.split("."))
    mapped = ipaddress.IPv6Address((0xFFFF << 32) + number)
    six = [f"[::ffff:{usual}]", f"[{mapped.exploded}]"]
    return draw(
        st.sampled_from([usual, short, str(number), hex(number), ".".join(parts), octal, *six])
    )


@settings(PATIENT)
@given(st.data())
def test_any_two_spellings_of_a_place_are_that_place(data: st.DataObject) -> None:
    thing = data.draw(things())
    one, other = (data.draw(spellings(thing)) for _ in range(2))

    assert one.place.may_be(other.place)
    assert other.place.may_be(one.place)


@settings(PATIENT)
@given(st.data())
def test_spellings_of_two_places_are_two(data: st.DataObject) -> None:
    thing = data.draw(things())
    changed = data.draw(
        st.sampled_from(
            [
                msgspec.structs.replace(thing, port=thing.port % 65535 + 1),
                msgspec.structs.replace(thing, bucket=f"{thing.bucket}x"),
                msgspec.structs.replace(thing, path=(*thing.path, "x")),
                msgspec.structs.replace(thing, path=(*thing.path[:-1], f"{thing.path[-1]}x")),
            ]
        )
    )
    if {thing.port, changed.port} == {80, 443}:
        return
    one, other = data.draw(spellings(thing)), data.draw(spellings(changed))

    assert not one.place.may_be(other.place)


@settings(PATIENT, max_examples=examples(60))
@given(st.data())
def test_amazon_is_one_by_all_its_endpoints(data: st.DataObject) -> None:
    region, bucket = data.draw(st.sampled_from(REGIONS)), "media-1"
    host = data.draw(
        st.sampled_from(
            [
                "s3.amazonaws.com",
                "s3-external-1.amazonaws.com",
                "s3-accelerate.amazonaws.com",
                f"s3.{region}.amazonaws.com",
                f"s3-{region}.amazonaws.com",
                f"s3.dualstack.{region}.amazonaws.com",
                f"s3-fips.dualstack.{region}.amazonaws.com",
            ]
        )
    )
    spelled = data.draw(
        st.sampled_from(
            [
                Spelled({"endpoint": f"https://{host}", "bucket": bucket}, "a/b.jpg"),
                Spelled(
                    {"endpoint": f"https://{host}", "bucket": bucket, "pathStyle": False}, "a/b.jpg"
                ),
                Spelled({"endpoint": f"https://{bucket}.{host}", "bucket": "aaa"}, "b.jpg"),
            ]
        )
    )
    first = "aaa" if spelled.s3["bucket"] == "aaa" else "a"

    assert spelled.place == DestinationKey("amazonaws.com", f"media-1/{first}/b.jpg")


@pytest.mark.parametrize(
    "name", ["minio", "minio.team-a", "minio.team-a.svc", "MINIO.team-a.svc.cluster.local."]
)
def test_a_service_has_one_name(name: str) -> None:
    spelled = Spelled({"endpoint": f"http://{name}:9000", "bucket": "uploads"}, "cat.jpg")

    assert spelled.place == DestinationKey("minio.team-a:9000", "uploads/cat.jpg")


@pytest.mark.parametrize(
    "endpoint", ["http://[::1%eth0]", "http://h:99999", "http://h:x", "nothing"]
)
def test_what_is_no_url_is_a_place_of_its_own(endpoint: str) -> None:
    spelled = Spelled({"endpoint": endpoint, "bucket": "uploads"}, "cat.jpg")

    assert spelled.place.may_be(spelled.place)


VOLUMES = [("claim", None, "a/b/c"), ("claim", "a", "b/c"), ("claim", "a/b", "c")]


@pytest.mark.parametrize(("claim", "folder", "key"), VOLUMES)
def test_a_folder_of_a_claim_is_one_by_any_store(claim: str, folder: str | None, key: str) -> None:
    found = store(volume={"claimName": claim, **({"subPath": folder} if folder else {})})

    place = destination_key(found, key)

    assert place == DestinationKey("claim/claim", "a/b/c")
    assert not place.may_be(destination_key(store(volume={"claimName": "other"}), "a/b/c"))
    assert (
        destination_key_in_order(manifests.compose([], {"a": found}, PLATFORM).stores["a"], key, "")
        == place
    )


@settings(PATIENT, max_examples=examples(50))
@given(st.data())
def test_an_order_leads_to_the_place_that_its_stores_lead_to(data: st.DataObject) -> None:
    spelled = data.draw(spellings(data.draw(things())))
    ordered = manifests.compose([], {"a": spelled.store("a")}, PLATFORM).stores["a"]

    assert destination_key_in_order(ordered, spelled.key, "team-a") == spelled.place


@settings(PATIENT, max_examples=examples(50))
@given(st.data())
def test_no_output_lands_on_its_source_by_another_store(data: st.DataObject) -> None:
    thing = data.draw(things())
    folder = "/".join(thing.path)
    target = msgspec.structs.replace(thing, path=(*thing.path, "thumb.webp"))
    source, destination = (data.draw(spellings(each)) for each in (target, thing))
    job = image_job(
        source={"storeRef": {"name": "a"}, "key": source.key},
        destination={"storeRef": {"name": "b"}, "prefix": destination.key},
        outputs=[{"name": "thumb", "format": "webp"}],
    )
    stores = {"a": source.store("a"), "b": destination.store("b")}

    assert overwriting_output(job, None, stores) == "thumb", folder


def writing(job: ImageJob, name: str, stores: dict[str, ImageStore]) -> WorkerJob:
    """Its worker Job."""
    answer = resolve(job, profile() if job.spec.profile_ref else None, stores, PLATFORM)
    assert isinstance(answer, Resolved)
    order = manifests.compose([answer.item], answer.stores, PLATFORM)
    body = manifests.worker_job("team-a", name, order, answer.stores, PLATFORM)
    body["metadata"] |= msgspec.to_builtins(worker_job(job, name=name).metadata)
    return msgspec.convert(body, WorkerJob)


def two(data: st.DataObject) -> tuple[dict[str, ImageStore], ImageJob, ImageJob]:
    """ImageJobs that want to write to one place, each by its own store."""
    thing = data.draw(things())
    one, other = (data.draw(spellings(thing)) for _ in range(2))
    stores = {"a": one.store("a"), "b": other.store("b"), "uploads": store()}
    jobs = [
        image_job(name, destination={"storeRef": {"name": at}, "prefix": spelled.key})
        for name, at, spelled in (("cat", "a", one), ("dog", "b", other))
    ]
    return stores, jobs[0], jobs[1]


@settings(PATIENT, max_examples=examples(30))
@given(data=st.data(), stores_come_last=st.booleans())
def test_a_worker_is_a_rival_by_whatever_store_it_writes_there(
    data: st.DataObject, *, stores_come_last: bool
) -> None:
    stores, cat, dog = two(data)
    cache = RecordingCache()
    for thing in (cat, dog, *stores.values()) if stores_come_last else (*stores.values(), cat, dog):
        cache.upsert(thing)

    cache.upsert(writing(cat, "ij-1", stores))
    cache.upsert(pod(state=running()))
    at_work = rival(cache, "uid-dog")
    drain(cache)
    cache.upsert(pod(state=terminated()))
    cache.remove(writing(cat, "ij-1", stores))

    assert at_work == "ij-1"
    assert "uid-dog" in drain(cache)


@settings(PATIENT, max_examples=examples(30))
@given(st.data())
def test_a_claim_holds_by_whatever_store(data: st.DataObject) -> None:
    stores, cat, dog = two(data)
    cache = RecordingCache()
    for thing in (*stores.values(), cat, dog):
        cache.upsert(thing)

    cache.assume(cat, "ij-1")
    claimed = rival(cache, "uid-dog")
    drain(cache)
    cache.forget(cat)

    assert claimed == "ij-1"
    assert rival(cache, "uid-dog") is None
    assert "uid-dog" in drain(cache)


def test_a_claim_where_a_store_led_before_does_not_stay() -> None:
    cat = image_job("cat", destination={"prefix": "shared"})
    dog = image_job("dog", destination={"storeRef": {"name": "b"}, "prefix": "shared"})
    cache = RecordingCache()
    for thing in (store(), store("b"), cat, dog):
        cache.upsert(thing)
    cache.assume(cat, "ij-1")
    moved = store(volume={"claimName": "photos"})
    meta = msgspec.structs.replace(moved.metadata, resource_version="9")
    cache.upsert(msgspec.structs.replace(moved, metadata=meta))

    cache.assume(cat, "ij-1")

    assert rival(cache, "uid-dog") is None


def rival(cache: RecordingCache, uid: str) -> str | None:
    inputs = gather(cache, uid)
    assert inputs is not None
    return inputs.rival


def drain(cache: RecordingCache) -> list[Any]:
    return cache.drain()
