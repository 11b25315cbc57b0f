"""Combines files and options into tasks, one after the other, as far as they are consistent."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from imagejob_operator.api.imagejob import ImageJob
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore, ImageStoreSpec, Volume
from imagejob_operator.api.meta import ObjectMeta
from imagejob_operator.cache.destination import destination_of

from .admission import RefusedError, Thing, admit, is_ours, title
from .errors import CliError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from .reading import Document, Text

Key: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name."""

PROFILE = "ImageProfile"


class Task(NamedTuple):
    """An ImageJob, and the profile that it references."""

    job: ImageJob
    profile: ImageProfile | None


def stores_of(folders: Mapping[str, Path]) -> dict[str, ImageStore]:
    """Return the stores as the operator would know them: folders, whatever the cluster has."""
    # One volume, so that a file in two stores is known to be the same.
    return {
        name: ImageStore(
            ObjectMeta(name=name),
            ImageStoreSpec(volume=Volume(claim_name="local", sub_path=str(folder.resolve()))),
        )
        for name, folder in folders.items()
    }


class Intake:
    """Validates documents as they are asked for, and finds what their ImageJobs reference.

    What is wrong or lacking is passed to `complain`, line by line, and counted in `faults`; the
    ImageJobs that it concerns are left out. `ignored` are the objects that mean nothing here.
    """

    def __init__(
        self,
        texts: Sequence[Text],
        folders: Mapping[str, Path],
        namespace: str,
        complain: Callable[[str], None],
    ) -> None:
        self.faults = 0
        self.ignored: list[str] = []
        self._texts = texts
        self._folders = folders
        self._namespace = namespace
        self._complain = complain
        self._places: dict[Key, str] = {}
        self._without_profile: dict[Key, list[ImageJob]] = {}
        self._without_folder: dict[str, list[ImageJob]] = {}

    def tasks(self) -> Iterator[Task]:
        """Yield what can be run, in the order given. No document is parsed before it is needed,
        but those that may be profiles, which ImageJobs before them may reference."""
        parsed = {at: self._parsed(text) for at, text in enumerate(self._texts) if _mentions(text)}
        profiles = self._profiles(each for found in parsed.values() for each in found[0])
        jobs = 0
        for at, text in enumerate(self._texts):
            found, fault = parsed.get(at) or self._parsed(text)
            for document in found:
                thing = self._admitted(document)
                if isinstance(thing, ImageJob):
                    jobs += 1
                    yield from self._task(thing, profiles)
            if fault:
                self._fault(fault)
        if not jobs and not self.faults:
            self._fault("the files contain no ImageJob")
        for line in (*self._missing_profiles(profiles), *self._missing_folders()):
            self._fault(line)

    def _fault(self, line: str) -> None:
        self.faults += 1
        self._complain(line)

    def _parsed(self, text: Text) -> tuple[list[Document], str]:
        """Return the documents before the first fault, and the fault."""
        found: list[Document] = []
        try:
            for document in text.documents():
                found.append(document)  # noqa: PERF402 (those before an error count)
        except CliError as error:
            return found, error.lines[0]
        return found, ""

    def _profiles(self, found: Iterator[Document]) -> dict[Key, ImageProfile]:
        profiles: dict[Key, ImageProfile] = {}
        for _, body in found:
            if body.get("kind") == PROFILE and is_ours(body):
                with suppress(RefusedError):  # its fault is reported when its turn comes
                    profile = admit(body, self._namespace)
                    if isinstance(profile, ImageProfile):
                        profiles.setdefault(_key(profile), profile)
        return profiles

    def _admitted(self, document: Document) -> Thing | None:
        where, body = document
        try:
            thing = admit(body, self._namespace) if is_ours(body) else None
        except RefusedError as refusal:
            for fault in refusal.faults:
                self._fault(f"{where}, {title(body)}: {fault}")
            return None
        if thing is None:
            self.ignored.append(f"{where}: {title(body) or 'an object without a kind'}")
            return None
        before = self._places.setdefault(_key(thing), where)
        if before != where:
            self._fault(f"{where}, {title(body)}: is a duplicate of the one in {before}")
            return None
        return thing

    def _task(self, job: ImageJob, profiles: Mapping[Key, ImageProfile]) -> Iterator[Task]:
        """Yield the job, if what it references is there; else remember what isn't."""
        named = job.spec.profile_ref
        key = (PROFILE, job.metadata.namespace, named.name) if named else None
        profile = profiles.get(key) if key else None
        folders = _stores(job) - self._folders.keys()
        if key and not profile:
            self._without_profile.setdefault(key, []).append(job)
        for store in folders:
            self._without_folder.setdefault(store, []).append(job)
        if not folders and (profile or not key):
            yield Task(job, profile)

    def _missing_profiles(self, profiles: Mapping[Key, ImageProfile]) -> Iterator[str]:
        for (_, namespace, name), users in self._without_profile.items():
            elsewhere = [at for _, at, each in profiles if each == name]
            hint = f' (there is one in namespace "{elsewhere[0]}")' if elsewhere else ""
            yield (
                f'ImageProfile "{name}" is not in the files{hint}, but {_listed(users)} in '
                f'namespace "{namespace}" references it: pass its file too'
            )

    def _missing_folders(self) -> Iterator[str]:
        for store, users in sorted(self._without_folder.items()):
            yield f'no folder for store "{store}" of {_listed(users)}: add --store {store}=DIR'


def _mentions(text: Text) -> bool:
    return PROFILE.encode() in text.data


def _key(thing: Thing) -> Key:
    return type(thing).__name__, thing.metadata.namespace, thing.metadata.name


def _stores(job: ImageJob) -> set[str]:
    return {job.spec.source.store_ref.name, destination_of(job).store}


def _listed(jobs: Sequence[ImageJob]) -> str:
    """`ImageJob cat and 3 more`."""
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"ImageJob {jobs[0].metadata.name}{more}"
