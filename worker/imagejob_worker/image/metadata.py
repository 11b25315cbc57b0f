"""Which kinds of metadata a source holds, less what the outputs keep of them.

The kinds come from the walk over the source's container, never from a decoder; what each container
counts as which kind is said in containers/.
"""

from __future__ import annotations

from imagejob_worker.contract.facts import Kind


def removed(found: Kind, *, icc_kept: bool) -> Kind:
    """The kinds that were in the source and are in no output."""
    return found & ~Kind.ICC if icc_kept else found
