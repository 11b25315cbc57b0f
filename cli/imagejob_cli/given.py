"""Combines files and options into tasks, if they are consistent."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import msgspec
from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore, ImageStoreSpec, Volume
from imagejob_operator.api.meta import ObjectMeta
from imagejob_operator.cache.destination import destination_of

from .admission import RefusedError, Thing, admit, is_ours, title
from .errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from .reading import Document

Key: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name."""


class Task(NamedTuple):
    """An ImageJob, and the profile that it references."""

    job: ImageJob
    profile: ImageProfile | None


class Given(msgspec.Struct, frozen=True):
    """All tasks. `stores` are folders by store name, `ignored` the objects that were ignored."""

    tasks: tuple[Task, ...]
    folders: dict[str, Path]
    ignored: tuple[str, ...]

    @property
    def stores(self) -> dict[str, ImageStore]:
        """The stores as the operator would know them: folders, whatever they are in the cluster."""
        # One volume, so that a file in two stores is known to be the same.
        return {
            name: ImageStore(
                ObjectMeta(name=name),
                ImageStoreSpec(volume=Volume(claim_name="local", sub_path=str(folder.resolve()))),
            )
            for name, folder in self.folders.items()
        }


def gather(documents: Sequence[Document], folders: Mapping[str, Path], namespace: str) -> Given:
    """Validate every document, and check that all references of the ImageJobs exist.

    Raises CliError with a line for each fault.
    """
    things, ignored = _admit_all(documents, namespace)
    jobs = [thing for thing in things.values() if isinstance(thing, ImageJob)]
    if not jobs:
        raise CliError("the files contain no ImageJob")
    lacking = [*_missing_profiles(jobs, things), *_missing_folders(jobs, folders)]
    if lacking:
        raise CliError(*lacking)
    tasks = tuple(Task(job, _profile_of(job, things)) for job in jobs)
    used = {name for job in jobs for name in _stores_of(job)}
    return Given(tasks, {name: folders[name] for name in sorted(used)}, ignored)


def _admit_all(
    documents: Sequence[Document], namespace: str
) -> tuple[dict[Key, Thing], tuple[str, ...]]:
    things: dict[Key, Thing] = {}
    places: dict[Key, str] = {}
    ignored: list[str] = []
    wrong: list[str] = []
    for where, body in documents:
        try:
            thing = admit(body, namespace) if is_ours(body) else None
        except RefusedError as refusal:
            wrong += (f"{where}, {title(body)}: {fault}" for fault in refusal.faults)
            continue
        if thing is None:
            ignored.append(f"{where}: {title(body) or 'an object without a kind'}")
            continue
        key = type(thing).__name__, thing.metadata.namespace, thing.metadata.name
        if key in things:
            wrong.append(f"{where}, {title(body)}: is a duplicate of the one in {places[key]}")
        things[key], places[key] = thing, where
    if wrong:
        raise CliError(*wrong)
    return things, tuple(ignored)


def _profile_of(job: ImageJob, things: Mapping[Key, Thing]) -> ImageProfile | None:
    if not job.spec.profile_ref:
        return None
    found = things.get(("ImageProfile", job.metadata.namespace, job.spec.profile_ref.name))
    return found if isinstance(found, ImageProfile) else None


def _missing_profiles(jobs: Sequence[ImageJob], things: Mapping[Key, Thing]) -> Iterator[str]:
    wanted: dict[Key, list[ImageJob]] = {}
    for job in jobs:
        if job.spec.profile_ref and not _profile_of(job, things):
            key = "ImageProfile", job.metadata.namespace, job.spec.profile_ref.name
            wanted.setdefault(key, []).append(job)
    for (_, namespace, name), users in wanted.items():
        elsewhere = [at for kind, at, each in things if (kind, each) == ("ImageProfile", name)]
        hint = f' (there is one in namespace "{elsewhere[0]}")' if elsewhere else ""
        yield (
            f'ImageProfile "{name}" is not in the files{hint}, but {_listed(users)} in namespace '
            f'"{namespace}" references it: pass its file too'
        )


def _missing_folders(jobs: Sequence[ImageJob], folders: Mapping[str, Path]) -> Iterator[str]:
    wanted: dict[str, list[ImageJob]] = {}
    for job in jobs:
        for store in _stores_of(job):
            if store not in folders:
                wanted.setdefault(store, []).append(job)
    for store, users in sorted(wanted.items()):
        yield f'no folder for store "{store}" of {_listed(users)}: add --store {store}=DIR'


def _stores_of(job: ImageJob) -> set[str]:
    return {job.spec.source.store_ref.name, destination_of(job).store}


def _listed(jobs: Sequence[ImageJob]) -> str:
    """`ImageJob cat and 3 more`."""
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"ImageJob {jobs[0].metadata.name}{more}"
