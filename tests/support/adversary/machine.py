"""Hypothesis chooses the moves; one run follows the other, on one cluster.

A run is real time on real processes: a failure may not happen again. So nothing is shrunk, and
failures are recorded, not raised; `replay` repeats the moves of a list.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from support import namespaces
from support.actors import evicts_everywhere, person
from support.adversary import front, measures, moves, operators, promises
from support.adversary.play import DRAINER, Run
from support.raw_requests import attacker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hypothesis import strategies as st
    from imagejob_dev.client import Client

    from support.adversary.history import History
    from support.adversary.moves import Move
    from support.adversary.promises import Violation

SETTLE_SECONDS = 120.0  # a pod that a kubelet can't start is replaced after 60
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"


class Outcome(NamedTuple):
    """The outcome of one run; `seed` is 0 if its moves were given."""

    seed: int
    moves: list[Move]
    answers: Counter[str]
    violations: list[Violation]
    lines: list[str]
    """The audit lines of the ImageJobs concerned."""
    figures: dict[str, float]
    seconds: float


class Session:
    """A cluster, a front, the operators; `outcomes` are those of its runs, in order.

    With `evictions` the platform evicts workers as well, which a tenant can't do.
    """

    def __init__(
        self,
        cluster: Client,
        before: front.Front,
        ops: operators.Operators,
        say: Callable[[str], None],
        *,
        evictions: bool,
    ) -> None:
        self.evictions = evictions
        self.outcomes: list[Outcome] = []
        self.cluster = cluster
        self._front, self._operators, self._say = before, ops, say
        self._seed = 0

    def explore(self, runs: Iterable[int], steps: int, until: float = math.inf) -> None:
        """Start a run of `steps` moves for each seed, but none after `until` of time.monotonic."""
        allowed = rights(self.cluster)
        for seeded in runs:
            if time.monotonic() < until:
                self._explore(allowed, steps, seeded)

    def _explore(self, allowed: set[tuple[str, str]], steps: int, seeded: int) -> None:
        """Hypothesis tries the simplest choices first, which are the same for all seeds. So the
        first run is skipped, and the second one counts.
        """
        tried = itertools.count()
        machine = machine_of(self, allowed, lambda: next(tried) != 1)
        chosen = settings(
            max_examples=2,
            stateful_step_count=steps,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        self._seed = seeded
        run_state_machine_as_test(seed(seeded)(machine), settings=chosen)

    def replay(self, moves_: list[Move]) -> Outcome:
        """Make one run of those moves."""
        self._seed = 0
        run, close = self.begin()
        for move in moves_:
            run.play(move)
        return self.finish(run, close)

    def begin(self) -> tuple[Run, Callable[[], None]]:
        """Start a run in fresh namespaces; return it, and what to call after it."""
        stack = ExitStack()
        self._operators.ready()
        mine, other = (stack.enter_context(namespaces.fresh(self.cluster)) for _ in "ab")
        run = Run(self.cluster, self._front, self._operators, mine, other)
        run.begin()
        return run, stack.close

    def finish(self, run: Run, close: Callable[[], None]) -> Outcome:
        """Wait for its end, and check the promises."""
        began = time.monotonic()
        run.settle(SETTLE_SECONDS)
        history = run.history()
        found = promises.violations(history)
        run.end()
        close()
        ended = Outcome(
            self._seed,
            run.moves,
            run.answers,
            found,
            _lines(history, found),
            figures(history),
            time.monotonic() - run.began,
        )
        self.outcomes.append(ended)
        settled = time.monotonic() - began
        said = "; ".join(map(str, found)) or "every promise kept"
        self._say(
            f"seed {ended.seed}: {len(run.moves)} moves, {ended.seconds:.1f} s"
            f" ({settled:.1f} to settle): {said}"
        )
        return ended


def rights(cluster: Client) -> set[tuple[str, str]]:
    """The rights of `edit`, as the API server reports them to a user who has it."""
    with namespaces.fresh(cluster) as namespace:
        tenant = attacker(cluster, namespace, "edit")
        review = {"spec": {"namespace": namespace}}
        answer = json.loads(tenant.send("POST", REVIEWS, review).text)
    return moves.rights(answer["status"]["resourceRules"])


def machine_of(
    session: Session, allowed: set[tuple[str, str]], is_left_out: Callable[[], bool]
) -> type[RuleBasedStateMachine]:
    """Every rule is equally likely: what leads somewhere has several."""
    chances = {
        "ask": moves.image_jobs(),
        "ask_again": moves.image_jobs(),
        "use_a_right": moves.requests(allowed),
        "attack_an_image_job": moves.requests_on(allowed, "imagejobs"),
        "attack_a_worker": moves.requests_on(allowed, *moves.WORKERS),
        "attack_another": moves.requests_on(allowed, *moves.WORKERS),
        "besiege_a_worker": moves.sieges(allowed),
        "change_the_store": moves.stores(),
        "change_the_source": moves.uploads(),
        "befall": moves.environment(),
        "wait": moves.waits(),
    }
    if session.evictions:
        chances["evict_a_worker"] = moves.evictions()

    class Adversary(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.run, self.close = (None, None) if is_left_out() else session.begin()

        def teardown(self) -> None:
            if self.run and self.close:
                session.finish(self.run, self.close)

    rules = {name: _rule(chosen) for name, chosen in chances.items()}
    return type(Adversary.__name__, (Adversary,), rules)


def _rule(chosen: st.SearchStrategy[Any]) -> Callable[[Any, Any], None]:
    @rule(move=chosen)
    def play(self: Any, move: Move | list[Move]) -> None:
        for each in move if isinstance(move, list) else [move]:
            if self.run:
                self.run.play(each)

    return play


def figures(history: History) -> dict[str, float]:
    """The measurements of a run."""
    waited = list(measures.waits(history).values()) or [(0.0, 0)]
    return {
        "mostInAWindow": measures.most_charged(history),
        "worstNeighbourSeconds": round(max(seconds for seconds, _ in waited), 3),
        "worstNeighbourTurns": max(turns for _, turns in waited),
        "mostWorkersAtOnce": history.most_at_once,
        "mostResidentMiB": max([0, *history.memory.values()]) >> 20,
        "charges": len(measures.charged(history)),
        "workers": len(history.lives),
        "succeeded": len({each.uid for each in history.finishes if each.phase == "Succeeded"}),
        "failed": len({each.uid for each in history.finishes if each.phase == "Failed"}),
    }


def told(outcome: Outcome) -> str:
    """A failure, with everything needed to reproduce it."""
    return "\n".join(
        [
            f"seed {outcome.seed}",
            *map(str, outcome.violations),
            "moves: " + msgspec.json.encode(outcome.moves).decode(),
            *outcome.lines,
        ]
    )


@contextmanager
def session(
    cluster: Client, say: Callable[[str], None] = print, *, evictions: bool = False
) -> Iterator[Session]:
    port = int(cluster.s3.endpoint.rpartition(":")[2])
    drainer = person(cluster, "default", DRAINER)
    with (
        evicts_everywhere(drainer),
        front.serving(port) as before,
        operators.working(cluster) as ops,
    ):
        yield Session(cluster, before, ops, say, evictions=evictions)


def _lines(history: History, found: list[Violation]) -> list[str]:
    concerned = {uid for each in found for uid in each.uids}
    return [str(line) for line in history.audit if line.uid in concerned]
