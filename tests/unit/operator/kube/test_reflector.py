"""How a reflector continues after every possible response of a (scripted) API server."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from imagejob_operator.cache.cluster_cache import ClusterCache
from imagejob_operator.cache.lister import WATCHED, Lister
from imagejob_operator.kube import client as api
from imagejob_operator.kube import pager as paging
from imagejob_operator.kube.reflector import Reflector, Reflectors
from imagejob_operator.kube.resources import IMAGE_STORES
from imagejob_operator.observability.logging import JsonFormatter
from imagejob_operator.observability.metrics import Metrics
from support.scripted_api import Answer, ScriptedApi, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS, POLL = 30.0, 0.02
STAYS = Answer(stays=True)


def failure(code: int) -> dict[str, Any]:
    """Within a watch."""
    status = {"kind": "Status", "code": code, "message": "as it is written here"}
    return {"type": "ERROR", "object": status}


def store(name: str, version: int, **more: Any) -> dict[str, Any]:
    """A store as the API server has it."""
    spec = {"volume": {"claimName": name}}
    meta = {"name": name, "namespace": "a", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"metadata": meta, "spec": spec, **more}


def event(kind: str, thing: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, "object": thing}


def bookmark(version: int) -> dict[str, Any]:
    return event("BOOKMARK", {"metadata": {"resourceVersion": str(version)}, "spec": None})


class Watched:
    """What the reflector has cached."""

    def __init__(self, script: ScriptedApi, metrics: Metrics) -> None:
        self.asked = script.asked
        self.cache = ClusterCache()
        self.metrics = metrics
        self.told: list[bool] = []
        self.reflector: Reflector

    @property
    def stores(self) -> dict[str, str]:
        """Name → resource version."""
        return {each.metadata.name: each.metadata.resource_version for each in self.cache.stores}


def reflect(
    kubeconfig: Path,
    script: ScriptedApi,
    until: Callable[[Watched], bool],
    paused: list[int] | None = None,
) -> Watched:
    """Run a reflector of ImageStores until then. `paused` gets the failures in a row at a pause."""
    watched = Watched(script, Metrics())

    def pause(failures: int) -> timedelta:
        (paused if paused is not None else []).append(failures)
        return timedelta(milliseconds=10)

    async def run() -> None:
        async with serving(script, kubeconfig), api.connect(metrics=watched.metrics) as cluster:
            woken = asyncio.Event()

            def told() -> None:
                watched.told.append(watched.reflector.is_current)
                woken.set()

            listing = Lister(cluster, watched.cache, woken.set)
            watched.reflector = Reflector(IMAGE_STORES, cluster, listing, told, pause)
            task = asyncio.create_task(watched.reflector.run())
            async with asyncio.timeout(SECONDS):
                while not until(watched):
                    with suppress(TimeoutError):  # an object that was asked for enqueues nothing
                        await asyncio.wait_for(woken.wait(), POLL)
                    woken.clear()
            task.cancel()
            await asyncio.wait([task])

    asyncio.run(run())
    return watched


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def _has(**stores: int) -> Callable[[Watched], bool]:
    expected = {name: str(version) for name, version in stores.items()}
    return lambda watched: watched.stores == expected


def test_it_lists_and_watches_from_there(kubeconfig: Path) -> None:
    changes = [event("ADDED", store("b", 12)), event("MODIFIED", store("a", 13))]
    script = ScriptedApi([(10, [store("a", 5)])], [Answer(lines=changes, stays=True)])

    watched = reflect(kubeconfig, script, _has(a=13, b=12))

    assert watched.asked == ["list", "watch 10"]
    assert watched.told == [True]


def test_a_list_of_many_pages_is_taken_whole(kubeconfig: Path) -> None:
    stores = [store(f"s{number}", number + 1) for number in range(paging.FIRST * 3 + 1)]
    script = ScriptedApi([(1000, stores)], [STAYS])

    watched = reflect(kubeconfig, script, lambda watched: watched.told == [True])

    assert len(watched.stores) == len(stores)
    assert watched.asked == ["list", "watch 1000"]


def test_what_is_deleted_goes(kubeconfig: Path) -> None:
    gone = Answer(lines=[event("DELETED", store("a", 11))], stays=True)
    script = ScriptedApi([(10, [store("a", 5), store("b", 6)])], [gone])

    reflect(kubeconfig, script, lambda watched: bool(watched.told) and _has(b=6)(watched))


def test_a_watch_that_ended_resumes_from_the_last_bookmark(kubeconfig: Path) -> None:
    first = Answer(lines=[event("ADDED", store("a", 11)), bookmark(40)])
    script = ScriptedApi([(10, [])], [first, Answer(lines=[bookmark(50)]), STAYS])

    watched = reflect(kubeconfig, script, lambda watched: "watch 50" in watched.asked)

    assert watched.asked == ["list", "watch 10", "watch 40", "watch 50"]
    assert watched.stores == {"a": "11"}
    assert watched.told == [True]


@pytest.mark.parametrize(
    "end",
    [
        Answer(lines=[bookmark(20), failure(410)]),
        Answer(status=410),
        Answer(),
        Answer(status=404),
        Answer(status=403),
    ],
    ids=["410 as an event", "410", "ended at once", "no such kind", "forbidden"],
)
def test_what_went_meanwhile_is_found_by_a_new_list(kubeconfig: Path, end: Answer) -> None:
    lists: list[Any] = [(10, [store("a", 5), store("b", 6)]), (30, [store("b", 6)])]
    script = ScriptedApi(lists, [end, STAYS])

    watched = reflect(kubeconfig, script, lambda watched: "watch 30" in watched.asked)

    assert watched.asked == ["list", "watch 10", "list", "watch 30"]
    assert watched.stores == {"b": "6"}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_in_trouble_is_not_asked_for_all_again(kubeconfig: Path, status: int) -> None:
    script = ScriptedApi([(10, [])], [Answer(status=status), STAYS])

    watched = reflect(kubeconfig, script, lambda watched: watched.told == [True])

    assert watched.asked == ["list", "watch 10", "watch 10"]


def test_a_cut_stream_resumes_where_it_was(kubeconfig: Path) -> None:
    cut = Answer(lines=[event("ADDED", store("a", 11))], cut=True)
    script = ScriptedApi([(10, [])], [cut, STAYS])

    watched = reflect(kubeconfig, script, lambda watched: "watch 11" in watched.asked)

    assert watched.asked == ["list", "watch 10", "watch 11"]
    assert watched.stores == {"a": "11"}


@pytest.mark.parametrize("error", [failure(500), failure(429), {"type": "ERROR", "object": {}}])
def test_an_error_within_a_watch_is_told_once_and_the_watch_goes_on_there(
    kubeconfig: Path, caplog: pytest.LogCaptureFixture, error: dict[str, Any]
) -> None:
    broken = [
        Answer(lines=[event("ADDED", store(f"s{number}", number)), error]) for number in (11, 12)
    ]
    script = ScriptedApi([(10, [])], [*broken, STAYS])

    watched = reflect(kubeconfig, script, lambda watched: "watch 12" in watched.asked)

    assert watched.asked == ["list", "watch 10", "watch 11", "watch 12"]
    assert watched.stores == {"s11": "11", "s12": "12"}
    warned = [each for each in caplog.records if each.levelname == "WARNING"]
    assert len(warned) == (0 if "429" in str(error) else 1)


def test_watches_that_end_at_once_are_not_asked_for_at_once(kubeconfig: Path) -> None:
    """Also if each brings something, such as a bookmark."""
    ended = [Answer(lines=[bookmark(number)]) for number in range(11, 15)]
    script = ScriptedApi([(10, [])], [*ended, STAYS])
    paused: list[int] = []

    reflect(kubeconfig, script, lambda watched: "watch 14" in watched.asked, paused)

    assert paused == [1, 2, 3, 4]


def test_a_kind_that_comes_later_is_watched(kubeconfig: Path) -> None:
    script = ScriptedApi([404, 404, (10, [store("a", 5)])], [STAYS])

    watched = reflect(kubeconfig, script, lambda watched: watched.told == [True])

    assert watched.asked == ["list", "list", "list", "watch 10"]
    assert watched.stores == {"a": "5"}


def test_a_kind_that_is_removed_is_kept_and_reported(kubeconfig: Path) -> None:
    script = ScriptedApi([(10, [store("a", 5)]), 404], [Answer(status=404)])

    watched = reflect(kubeconfig, script, lambda watched: watched.asked.count("list") > 2)

    assert not watched.reflector.is_current
    assert watched.stores == {"a": "5"}


def test_what_is_cached_is_not_current_while_lists_expire(kubeconfig: Path) -> None:
    script = ScriptedApi([(10, [store("a", 5)]), 410], [Answer(lines=[bookmark(20), failure(410)])])

    watched = reflect(kubeconfig, script, lambda watched: watched.asked.count("list") > 2)

    assert not watched.reflector.is_current


def test_an_object_that_cannot_be_decoded_is_logged_counted_and_left_out(
    kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad = store("bad", 7, spec={"volume": {"claimName": 7}})
    mended = event("MODIFIED", store("bad", 12))
    bad_again = event("MODIFIED", store("a", 13, spec="what?"))
    changes = [event("ADDED", store("b", 11)), bad_again, mended]
    script = ScriptedApi([(10, [store("a", 5), bad])], [Answer(lines=changes, stays=True)])

    watched = reflect(kubeconfig, script, _has(b=11, bad=12))

    warned = (each for each in caplog.records if each.levelname == "WARNING")
    lines = [json.loads(JsonFormatter().format(each)) for each in warned]
    assert [(each["kind"], each["namespace"], each["name"]) for each in lines] == [
        ("ImageStore", "a", "bad"),
        ("ImageStore", "a", "a"),
    ]
    value = watched.metrics.registry.get_sample_value(
        "imagejob_unreadable_objects_total", {"resource": "imagestores"}
    )
    assert value == 2


def test_what_cannot_be_read_as_it_goes_is_gone_all_the_same(kubeconfig: Path) -> None:
    gone = event("DELETED", store("a", 12, spec="what?"))
    script = ScriptedApi([(10, [store("a", 5)])], [Answer(lines=[gone], stays=True)])

    reflect(kubeconfig, script, lambda watched: bool(watched.told) and _has()(watched))


def test_a_page_that_is_too_large_is_asked_for_by_halves(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = [store(f"s{number}", number + 1, note="x" * 1000) for number in range(60)]
    most = len(json.dumps(stores[:20]))
    monkeypatch.setattr("imagejob_operator.kube.responses.MAX_BODY", most)
    script = ScriptedApi([(1000, stores)], [STAYS])

    watched = reflect(kubeconfig, script, lambda watched: watched.told == [True])

    assert len(watched.stores) == len(stores)


def test_all_is_current_only_when_every_kind_is_and_what_is_not_has_a_name(
    kubeconfig: Path,
) -> None:
    script = ScriptedApi([(10, [])], [STAYS], missing={"imagestores", "pods"})
    seen: list[tuple[str, ...]] = []

    async def run() -> None:
        async with serving(script, kubeconfig), api.connect() as cluster:
            told = asyncio.Event()

            def note() -> None:
                seen.append(reflectors.unwatched)
                told.set()

            reflectors = Reflectors(
                WATCHED, cluster, Lister(cluster, ClusterCache(), told.set), note
            )
            async with asyncio.timeout(4 * SECONDS), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(_run(reflectors))
                while reflectors.unwatched != ("imagestores", "pods"):
                    await told.wait()
                    told.clear()
                script.missing.clear()
                await reflectors.current()
                assert reflectors.unwatched == ()
                running.cancel()

    asyncio.run(run())

    assert seen[-1] == ()
    assert all(seen[:-1])


async def _run(reflectors: Reflectors) -> None:
    async with asyncio.TaskGroup() as tasks:
        reflectors.start(tasks)


@pytest.mark.parametrize(
    ("limit", "objects", "size", "following"),
    [
        (50, 50, 50 * 1000, 100),
        (400, 400, 400 * 1000, 500),
        (50, 50, 50 * 256 * 1024, 16),
        (16, 16, 16 * 1024 * 1024 * 10, 1),
        (50, 0, 100, 50),
    ],
    ids=["small: more", "never more than that", "large: fewer", "never none", "an empty page"],
)
def test_pages_go_by_what_objects_have(limit: int, objects: int, size: int, following: int) -> None:
    assert paging.next_limit(limit, objects, size) == following
