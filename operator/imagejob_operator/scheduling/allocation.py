"""Count the workers of each namespace, and allocate the free slots among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from imagejob_operator.api.batch import MAX_BATCH
from imagejob_operator.config.platform import Caps
from imagejob_operator.imagejob.worker_checks import is_on_a_node, is_starting
from imagejob_operator.kube.object_store import age
from imagejob_operator.kube.pod import Pod
from imagejob_operator.kube.worker import Worker

from .admission_snapshot import AT_ONCE, AdmissionSnapshot
from .fair_share import Accounts, Demand, share
from .namespace_state import NamespaceState
from .plan import MANY, Plan, WorkerBudget


class Occupancy(msgspec.Struct, frozen=True):
    """The workers of one namespace, the ImageJobs in them, how many are still starting, and how
    many of these have no node yet; and whether nodes are full, judging by its pods.

    `not_run` are starting, or have a node that doesn't start them, and aren't being deleted;
    `is_refused` if the newest pod of which that is known could not run.
    """

    workers: int = 0
    image_jobs: int = 0
    starting: int = 0
    unplaced: int = 0
    nodes_are_full: bool = False
    not_run: int = 0
    is_refused: bool = False


def occupancy(
    live: Sequence[Worker],
    state: NamespaceState,
    promised: Mapping[str, int],
    writing: Plan | None,
    most: int,
    patience: timedelta,
    now: datetime,
) -> Occupancy:
    """Count the namespace's `live` workers and those that are dispatched but don't exist yet.

    `promised` has how many ImageJobs are in those that the ledger promises, `writing` is the plan
    whose ledger is being written. A tenant can create Jobs that look like workers: at most `most`
    of the live ones count, so it can't exceed its share with them. A suspended worker takes no
    slot, but its ImageJobs count: they are charged, and continue in it.
    """
    pending = writing.pending if writing else ()
    promised = {**{each.name: len(each.jobs) for each in pending}, **promised}
    starting = [each for each in live if is_starting(each, patience, now)]
    on_nodes = (each for each in live if each.pod and _is_held_by_its_node(each.pod))
    held = [each for each in on_nodes if not is_starting(each, patience, now)]
    return Occupancy(
        workers=min(sum(not each.is_suspended for each in live), most) + len(promised),
        image_jobs=sum(len(each.job.items) for each in live) + sum(promised.values()),
        starting=len(starting) + len(promised),
        unplaced=sum(not (each.pod and each.pod.is_placed) for each in starting) + len(promised),
        nodes_are_full=_nodes_are_full([each.pod for each in live if each.pod]),
        not_run=len(starting) + len(held) + len(promised),
        is_refused=state.refused_at is not None,
    )


def _is_held_by_its_node(pod: Pod) -> bool:
    """Whether it has a node that doesn't start it, and isn't being deleted.

    A pod on a lost node may stay in deletion for long. It doesn't tell whether another node
    could start the next one.
    """
    return is_on_a_node(pod) and pod.metadata.deletion_timestamp is None


def _nodes_are_full(pods: Sequence[Pod]) -> bool:
    """Whether a pod waits for a node, or the newest pod with a node had to wait for it."""
    if any(pod.unschedulable is not None for pod in pods):
        return True
    newest = max((pod for pod in pods if pod.is_placed), key=age, default=None)
    return newest is not None and newest.had_to_wait


def allocate(
    accounts: Accounts,
    snapshots: Mapping[str, AdmissionSnapshot],
    taken: Mapping[str, Occupancy],
    caps: Caps,
    *,
    is_thrifty: bool,
) -> tuple[dict[str, WorkerBudget], Accounts]:
    """Return the worker budget of each namespace that wants workers, and the next accounts.

    `taken` has every namespace with workers, as the `accounts` have observed them. A namespace that
    gets no slot is not in the result.
    """
    free = caps.max_workers - sum(each.workers for each in taken.values())
    is_thrifty = is_thrifty or sum(each.starting for each in taken.values()) >= MANY
    demands, left = {}, {}
    for namespace, snapshot in snapshots.items():
        own, running = taken.get(namespace, Occupancy()), snapshot.policy.max_running
        left[namespace] = AT_ONCE if running is None else max(0, running - own.image_jobs)
        waiting = min(len(snapshot.candidates), left[namespace])
        workers, room = -(-waiting // MAX_BATCH), _room(own, caps)
        demands[namespace] = Demand(workers, room, own.workers, snapshot.policy.weight)
    shares, accounts = share(accounts, demands, max(0, free), caps.reserve)
    budgets = {
        namespace: WorkerBudget(
            count, left[namespace], own.starting, own.workers, is_thrifty=is_thrifty
        )
        for namespace, count in shares.items()
        for own in [taken.get(namespace, Occupancy())]
    }
    return budgets, accounts


def _room(own: Occupancy, caps: Caps) -> int:
    """How many more workers the namespace may start, given its cap and its pods.

    If its last pod could not run, one at a time until one does: whatever keeps them from running,
    such as a missing Secret, takes one slot of all namespaces', and not as many as it may have.

    If nodes are full, one at a time: an unschedulable pod is retried only after seconds, while a
    pod that is created once there is room is placed at once. Meanwhile ImageJobs gather for a
    fuller worker, and an autoscaler sees one pending pod.
    """
    below_cap = max(0, caps.max_workers_per_namespace - own.workers)
    if own.is_refused:
        below_cap = min(below_cap, max(0, 1 - own.not_run))
    return min(below_cap, max(0, 1 - own.unplaced)) if own.nodes_are_full else below_cap
