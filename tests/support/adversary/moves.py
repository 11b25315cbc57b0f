"""The moves, as data: every verb that a tenant has on what the operator touches, by what it may
change. Numbers choose among the objects that exist at the move, so any list of moves can be
replayed, and parts of it too.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from hypothesis import strategies as st

from support.adversary.front import GETS, PUTS


class Move(msgspec.Struct, frozen=True):
    """`what` is done to `to` with `options`."""

    what: str
    to: str = ""
    options: dict[str, Any] = {}

    @property
    def kind(self) -> str:
        """The name under which it is counted."""
        return f"{self.what} {self.to}".strip()


RESOURCES = {
    "imagejobs": "/apis/imagejob.dev/v1alpha1",
    "imageprofiles": "/apis/imagejob.dev/v1alpha1",
    "imagestores": "/apis/imagejob.dev/v1alpha1",
    "imagequotas": "/apis/imagejob.dev/v1alpha1",
    "jobs": "/apis/batch/v1",
    "pods": "/api/v1",
    "pods/eviction": "/api/v1",
    "pods/ephemeralcontainers": "/api/v1",
    "secrets": "/api/v1",
    "events": "/api/v1",
    "serviceaccounts": "/api/v1",
    "poddisruptionbudgets": "/apis/policy/v1",
}
"""What the operator reads, creates or depends on in a tenant's namespace."""

VERBS = ("create", "update", "patch", "delete", "deletecollection")
WORKERS = ("jobs", "pods", "pods/eviction")
FIELDS = ("labels", "annotations", "finalizers", "ownerReferences", "spec", "status")
PROPAGATIONS = (None, "Orphan", "Background", "Foreground", "orphanDependents")
PATCHES = ("PATCH", "JSON PATCH", "APPLY")
UNTIL = ("a worker runs", "something changes", "a source is read", "one has finished", "nothing")

REFUSED_ALWAYS = frozenset({("create", "imagequotas"), ("patch", "imagequotas")})
"""Tried now and then anyway: that would find a right that should not exist."""

small = st.integers(0, 11)


def rights(rules: Collection[dict[str, Any]]) -> set[tuple[str, str]]:
    """The (verb, resource) pairs of ours in a SelfSubjectRulesReview."""
    groups = {
        name: path.split("/")[2] if "apis" in path else "" for name, path in RESOURCES.items()
    }
    return {
        (verb, name)
        for rule in rules
        for name, group in groups.items()
        for verb in VERBS
        if _covers(rule["apiGroups"], group)
        and _covers(rule["resources"], name)
        and _covers(rule["verbs"], verb)
        and not rule.get("resourceNames")
    }


def requests(allowed: Collection[tuple[str, str]]) -> st.SearchStrategy[Move]:
    """Any verb on any resource, each pair equally likely, those of Events thrice."""
    pairs = sorted({*allowed, *REFUSED_ALWAYS})
    pairs += [pair for pair in pairs if pair[1] == "events"] * 2
    return st.sampled_from(pairs).flatmap(lambda pair: _request(*pair))


def requests_on(allowed: Collection[tuple[str, str]], *resources: str) -> st.SearchStrategy[Move]:
    """Any verb on existing objects of some resources: the most promising ones."""
    pairs = [pair for pair in sorted(allowed) if pair[1] in resources and pair[0] != "create"]
    pairs += [("create", name) for name in resources if "/" in name]
    return st.sampled_from(pairs).flatmap(lambda pair: _request(*pair))


def image_jobs() -> st.SearchStrategy[Move]:
    """Another upload, with all options; often replacing one of that name."""
    return _options(
        "create",
        "imagejobs",
        name=st.integers(0, 40),
        key=st.integers(0, 3),
        store=st.sampled_from((0, 0, 0, 1)),
        prefix=st.sampled_from((0, 0, 0, 1, 2, 3)),
        outputs=st.sampled_from((1, 2)),
        retries=st.integers(0, 2),
        seconds=st.sampled_from((2, 30, 600)),
        suspend=st.sampled_from((False, False, False, True)),
        priority=st.integers(-1, 1),
        profile=st.sampled_from((False, False, False, True)),
        again=st.booleans(),
        propagation=st.sampled_from(PROPAGATIONS),
        field=st.sampled_from(("", "", "", "annotations", "finalizers", "ownerReferences")),
        value=small,
    )


def sieges(allowed: Collection[tuple[str, str]]) -> st.SearchStrategy[list[Move]]:
    """An upload whose worker is held at its last output, from a source that differs at each
    read; then two arbitrary requests on that worker.
    """
    held = _options(
        "behave", "", get=st.just("changing"), put=st.sampled_from(("hang full", "hang thumb"))
    )
    read = _options("wait", "", until=st.just("a source is read"), most=st.integers(20, 100))
    attack = requests_on(allowed, *WORKERS)
    return st.tuples(held, image_jobs(), read, attack, read, attack, read).map(list)


def uploads() -> st.SearchStrategy[Move]:
    """What the tenant does in its own bucket, past the front."""
    hows = ("swap", "swap", "swap", "garbage", "remove", "overwrite an output")
    return _options("upload", "", key=st.integers(0, 3), how=st.sampled_from(hows))


def stores() -> st.SearchStrategy[Move]:
    """How the store behaves from now on."""
    gets = ("changing", "changing", *GETS)
    puts = ("hang thumb", "hang full", *PUTS)
    return _options("behave", "", get=st.sampled_from(gets), put=st.sampled_from(puts))


def environment() -> st.SearchStrategy[Move]:
    """What happens to the operators."""
    whats = ("kill", "kill", "kill", "toggle", "toggle", "pause", "pause", "flood")
    return st.sampled_from(whats).flatmap(lambda what: _options(what, "operator", which=small))


def evictions() -> st.SearchStrategy[list[Move]]:
    """Two uploads whose worker the platform evicts at any moment, and a source that has changed
    when the next worker continues.
    """
    manners = _options("behave", "", get=st.sampled_from(GETS[:3]), put=st.sampled_from(PUTS))
    moments = st.sampled_from(UNTIL[:-1])
    begun = _options("wait", "", until=moments, most=st.integers(20, 150))
    evict = _options("evict", "pods", target=st.integers(0, 2), grace=st.sampled_from((None, 0)))
    swap = _options("upload", "", key=st.integers(0, 3), how=st.just("swap"))
    return st.tuples(manners, image_jobs(), image_jobs(), begun, evict, swap, begun).map(list)


def waits() -> st.SearchStrategy[Move]:
    """Until something has happened, or at most that many hundredths of a second."""
    return _options("wait", "", until=st.sampled_from(UNTIL), most=st.integers(5, 80))


def _request(verb: str, resource: str) -> st.SearchStrategy[Move]:
    if (verb, resource) == ("create", "imagejobs"):
        return image_jobs()
    options: dict[str, st.SearchStrategy[Any]] = {"target": small, "value": small}
    if verb in ("update", "patch"):
        options["field"] = st.sampled_from(FIELDS)
    if verb == "patch":
        options["patch"] = st.sampled_from(PATCHES)
    if verb in ("delete", "deletecollection") or resource == "pods/eviction":
        options["propagation"] = st.sampled_from(PROPAGATIONS)
        options["grace"] = st.sampled_from((None, None, 0))
    return _options(verb, resource, **options)


def _options(what: str, to: str, **options: st.SearchStrategy[Any]) -> st.SearchStrategy[Move]:
    return st.fixed_dictionaries(options).map(lambda drawn: Move(what, to, drawn))


def _covers(named: Collection[str], one: str) -> bool:
    return "*" in named or one in named
