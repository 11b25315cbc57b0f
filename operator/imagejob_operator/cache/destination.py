"""The destination of an ImageJob's outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagejob_operator.api.imagejob import ImageJob, OutputFormat
from imagejob_operator.api.imageprofile import ImageProfile
from imagejob_operator.api.imagestore import ImageStore
from imagejob_operator.contract.order import OrderDestination
from imagejob_operator.contract.place import destination_key
from imagejob_operator.contract.report import EXTENSIONS


def destination_of(job: ImageJob) -> OrderDestination:
    """Return store and prefix, with defaults."""
    wanted = job.spec.destination
    store = wanted.store_ref if wanted and wanted.store_ref else job.spec.source.store_ref
    prefix = wanted.prefix if wanted and wanted.prefix else f"derived/{job.metadata.name}"
    return OrderDestination(store=store.name, prefix=prefix)


def overwriting_output(
    job: ImageJob, profile: ImageProfile | None, stores: Mapping[str, ImageStore]
) -> str | None:
    """Return the name of an output that might overwrite the source, through any store.

    The API server rejects only part of these cases: not a profile's outputs, and not two stores.
    """
    destination, source = destination_of(job), job.spec.source
    taken = destination_key(stores[source.store_ref.name], source.key)
    for output in profile.spec.outputs if profile else job.spec.outputs:
        for extension in _extensions(output.format):
            key = f"{destination.prefix}/{output.name}.{extension}"
            if destination_key(stores[destination.store], key).may_be(taken):
                return output.name
    return None


def _extensions(wanted: OutputFormat) -> Iterable[str]:
    return EXTENSIONS.values() if wanted == "auto" else [EXTENSIONS[wanted]]
