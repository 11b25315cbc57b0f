"""A bad object stops only itself: the whole loop, on objects of which one field is anything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from imagejob_operator.api.meta import API_VERSION
from support.bad_objects import RICH, Change, changes, meta, pod_of, rich_pod, rich_worker
from support.examples import examples
from support.memory_api import MemoryApi
from support.memory_operator import Operator, operating

if TYPE_CHECKING:
    from imagejob_operator.kube.reader import Unreadable
    from support.memory_api import Body

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example runs an operator: to shrink a failing one would take minutes."""

GOOD = "good"
INDEPENDENT = ("imagejobs", "imageprofiles", "imagestores")
"""Kinds of which one object can't bear on ImageJobs that don't reference it."""


def image_job(namespace: str, name: str, store: str = "uploads", **spec: object) -> Body:
    recipe = {} if "profileRef" in spec else {"outputs": [{"name": "thumb", "width": 320}]}
    source = {"storeRef": {"name": store}, "key": "incoming/cat.jpg"}
    body = {"metadata": meta(name, namespace), "spec": {"source": source, **recipe, **spec}}
    return {"apiVersion": API_VERSION, "kind": "ImageJob", **body}


def furnish(api: MemoryApi, namespace: str) -> None:
    """A store and a profile, two ImageJobs that may start, one that may not, and one that runs."""
    api.put(
        "imagestores",
        namespace,
        "uploads",
        {"metadata": meta("uploads", namespace), "spec": {"volume": {"claimName": "c"}}},
    )
    outputs = [{"name": "full"}]
    api.put(
        "imageprofiles",
        namespace,
        "web",
        {"metadata": meta("web", namespace), "spec": {"outputs": outputs}},
    )
    api.put("jobs", namespace, "ij-busy", rich_worker(namespace))
    api.put("pods", namespace, "ij-busy-x2k9q", rich_pod(namespace))
    for job in (
        image_job(namespace, "cat"),
        image_job(namespace, "web", profileRef={"name": "web"}),
        image_job(namespace, "lost", store="none"),
        image_job(namespace, "busy"),
    ):
        api.put("imagejobs", namespace, job["metadata"]["name"], job)


def name_of(plural: str) -> str:
    return str(RICH[plural]("n")["metadata"]["name"])


def use(api: MemoryApi, namespace: str, plural: str) -> None:
    """An ImageJob that needs the object."""
    job = {
        "imageprofiles": image_job(namespace, "uses", profileRef={"name": "bad"}),
        "imagestores": image_job(namespace, "uses", store="bad"),
    }.get(plural, image_job(namespace, "uses"))
    api.put("imagejobs", namespace, "uses", job)


def found(operator: Operator, namespace: str, plural: str) -> Unreadable | None:
    """What the operator says of the object of that kind, if it can't read it."""
    cache = operator.manager._cache
    return cache.unreadable.get(plural, namespace, name_of(plural))


def is_served(operator: Operator, namespace: str, *more: str) -> bool:
    """Whether its ImageJobs are where they would be without anything bad."""
    wanted = {"cat", "web", *more}
    return (
        operator.dispatched(namespace) >= wanted
        and operator.reason(namespace, "lost") == "StoreNotFound"
    )


def is_as_it_should_be(operator: Operator, namespace: str, change: Change) -> bool:
    """Whether the namespace of the bad object is: nobody waits who doesn't depend on it."""
    if change.plural in INDEPENDENT and not is_served(operator, namespace):
        return False
    if not (change.is_unreadable and change.keeps_its_name):
        return True
    if not found(operator, namespace, change.plural):
        return False
    return change.plural == "imagejobs" or operator.reason(namespace, "uses") == "Unreadable"


def is_mended(operator: Operator, namespace: str, change: Change) -> bool:
    """Whether it goes on as if there had been nothing, and the log says so."""
    return (
        is_served(operator, namespace, "uses")
        and not found(operator, namespace, change.plural)
        and bool(operator.logged(namespace, name_of(change.plural), "info"))
    )


def check_it_is_told(operator: Operator, namespace: str, change: Change) -> None:
    """Logged with namespace and name, counted, and in the gauge."""
    if change.is_unreadable and change.keeps_its_name:
        assert operator.logged(namespace, name_of(change.plural))
        assert operator.count("unreadable_objects_total", resource=change.plural) >= 1
        assert operator.manager.snapshot().cache.unreadable[change.plural] >= 1
        if change.plural != "imagejobs":
            assert "uses" not in operator.dispatched(namespace)


def check_no_key_failed(operator: Operator) -> None:
    errors = [line for line in operator.log.lines if line["level"] == "error"]
    assert errors == []


def furnished(bad: list[Change]) -> tuple[MemoryApi, dict[str, Change]]:
    """An API server with one good namespace, and one for each object that is, or becomes, bad."""
    api, spaces = MemoryApi(pod_of), {f"bad-{number}": each for number, each in enumerate(bad)}
    for namespace in (GOOD, *spaces):
        furnish(api, namespace)
    return api, spaces


def spoil(api: MemoryApi, spaces: dict[str, Change]) -> None:
    """Store the bad objects, and in each namespace an ImageJob that needs its one."""
    for namespace, change in spaces.items():
        api.put(change.plural, namespace, name_of(change.plural), change.made(namespace))
        use(api, namespace, change.plural)


async def until_all_are_told(operator: Operator, spaces: dict[str, Change]) -> None:
    for namespace, change in spaces.items():
        await operator.until(lambda: is_as_it_should_be(operator, namespace, change))  # noqa: B023
        check_it_is_told(operator, namespace, change)


@settings(max_examples=examples(50), phases=PHASES)
@given(st.lists(changes(), min_size=1, max_size=4))
def test_at_the_start_a_bad_object_stops_only_itself(bad: list[Change]) -> None:
    api, spaces = furnished(bad)
    spoil(api, spaces)

    async def run() -> None:
        async with operating(api) as operator:
            await operator.until(lambda: is_served(operator, GOOD))
            await until_all_are_told(operator, spaces)
            check_no_key_failed(operator)

    asyncio.run(run())


@settings(max_examples=examples(30), phases=PHASES)
@given(st.lists(changes(), min_size=1, max_size=3))
def test_an_object_that_becomes_bad_is_used_no_more_until_it_is_mended(bad: list[Change]) -> None:
    api, spaces = furnished(bad)
    for namespace, change in spaces.items():
        good = RICH[change.plural](namespace)
        api.put(change.plural, namespace, name_of(change.plural), good)

    async def run() -> None:
        async with operating(api) as operator:
            for namespace in (GOOD, *spaces):
                await operator.until(lambda: is_served(operator, namespace))  # noqa: B023
            spoil(api, spaces)
            use(api, GOOD, "imagejobs")
            await api.tell()
            await operator.until(lambda: is_served(operator, GOOD, "uses"))
            await until_all_are_told(operator, spaces)

            waited = {
                each
                for each, change in spaces.items()
                if change.is_unreadable and change.keeps_its_name
            }
            for namespace, change in spaces.items():
                good = RICH[change.plural](namespace)
                api.put(change.plural, namespace, name_of(change.plural), good)
            await api.tell()
            for namespace in waited:
                await operator.until(lambda: is_mended(operator, namespace, spaces[namespace]))  # noqa: B023
            if all(change.keeps_its_name for change in bad):
                assert not any(operator.manager.snapshot().cache.unreadable.values())
            check_no_key_failed(operator)

    asyncio.run(run())
