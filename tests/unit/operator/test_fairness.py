"""Which namespace gets the next free place, over whole stretches of time."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, permutations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.domain.fairness import Rounds, share

NAMES = ("a", "b", "c", "d")
PLENTY = 1_000_000


class Step(msgspec.Struct, frozen=True):
    """Before a call of `share`: who comes, who gives up, what is free, who has how much room."""

    free: int
    come: dict[str, int]
    leave: frozenset[str]
    room: dict[str, int]


class Call(msgspec.Struct, frozen=True):
    """A call of `share`, and what it left."""

    shares: dict[str, int]
    backlog_before: dict[str, int]
    step: Step
    rounds: Rounds

    def served(self, name: str) -> int:
        return self.shares.get(name, 0)

    def left(self, name: str) -> int:
        return self.backlog_before.get(name, 0) - self.served(name)

    def could_take_more(self, name: str) -> bool:
        """It was backlogged all through the call, and not held by its room."""
        return self.left(name) > 0 and self.step.room.get(name, PLENTY) > self.served(name)


names = st.sampled_from(NAMES)
steps = st.builds(
    Step,
    free=st.integers(0, 12),
    come=st.dictionaries(names, st.integers(0, 30), max_size=4),
    leave=st.one_of(st.just(frozenset()), st.frozensets(names, max_size=1)),
    room=st.one_of(st.just({}), st.dictionaries(names, st.integers(-1, 12), max_size=3)),
)
courses = st.lists(steps, min_size=1, max_size=16)
weightings = st.fixed_dictionaries({name: st.integers(1, 7) for name in NAMES})


def run(course: list[Step], weights: dict[str, int]) -> list[Call]:
    calls, rounds = list[Call](), Rounds()
    backlog = dict.fromkeys(NAMES, 0)
    for step in course:
        for name in NAMES:
            kept = 0 if name in step.leave else backlog[name]
            backlog[name] = kept + step.come.get(name, 0)
        shares, rounds = share(rounds, backlog, weights, step.free, step.room)
        calls.append(Call(shares, dict(backlog), step, rounds))
        for name in shares:
            backlog[name] -= shares[name]
    return calls


def stretches(calls: list[Call], *names: str) -> list[list[Call]]:
    """Every run of calls in which each of them always had work and room."""
    return [
        calls[first:last]
        for first, last in combinations(range(len(calls) + 1), 2)
        if all(call.could_take_more(name) for call in calls[first:last] for name in names)
    ]


@given(courses, weightings)
def test_two_that_compete_are_served_by_their_weights(
    course: list[Step], weights: dict[str, int]
) -> None:
    """Within the bound of Shreedhar and Varghese (1995), and within 1, which is closer."""
    calls = run(course, weights)

    for a, b in combinations(NAMES, 2):
        for stretch in stretches(calls, a, b):
            served_a = Fraction(sum(call.served(a) for call in stretch), weights[a])
            served_b = Fraction(sum(call.served(b) for call in stretch), weights[b])
            assert abs(served_a - served_b) <= 1 + Fraction(2, min(weights.values()))
            assert abs(served_a - served_b) <= 1


@given(courses, weightings)
def test_nobody_starves(course: list[Step], weights: dict[str, int]) -> None:
    """While one waits for its turn, no other has more than one."""
    calls = run(course, weights)

    for waiting, other in permutations(NAMES, 2):
        for stretch in stretches(calls, waiting):
            if not any(call.served(waiting) for call in stretch):
                assert sum(call.served(other) for call in stretch) <= weights[other]


@given(courses, weightings)
def test_no_place_stays_free_while_somebody_could_take_it(
    course: list[Step], weights: dict[str, int]
) -> None:
    for call in run(course, weights):
        wanted = {
            name: max(0, min(count, call.step.room.get(name, PLENTY)))
            for name, count in call.backlog_before.items()
        }

        assert sum(call.shares.values()) == min(call.step.free, sum(wanted.values()))
        assert all(0 < count <= wanted[name] for name, count in call.shares.items())


@given(courses, weightings)
def test_only_those_who_wait_are_remembered(course: list[Step], weights: dict[str, int]) -> None:
    for call in run(course, weights):
        order, unfinished = call.rounds.order, call.rounds.unfinished

        assert sorted(order) == [name for name in NAMES if call.left(name) > 0]
        assert set(unfinished) <= set(order)
        assert all(0 < count < weights[name] for name, count in unfinished.items())


def test_places_are_shared_by_weight() -> None:
    backlog = {"a": PLENTY, "b": PLENTY, "c": PLENTY}

    shares, _ = share(Rounds(), backlog, {"a": 1, "b": 2, "c": 5}, 80, {})

    assert shares == {"a": 10, "b": 20, "c": 50}


def test_who_wants_little_leaves_the_rest_to_the_others() -> None:
    shares, _ = share(Rounds(), {"a": 3, "b": PLENTY}, {}, 64, {})

    assert shares == {"a": 3, "b": 61}


def test_who_is_held_leaves_the_rest_to_the_others() -> None:
    shares, _ = share(Rounds(), {"a": PLENTY, "b": PLENTY}, {}, 64, {"a": 3, "b": PLENTY})

    assert shares == {"a": 3, "b": 61}


def test_one_place_at_a_time_goes_round() -> None:
    assert one_by_one({"a": 2, "b": 1, "c": 1}, 8) == "aabcaabc"


def test_idle_time_is_neither_saved_nor_paid_for() -> None:
    _, rounds = share(Rounds(), {"a": 1_000, "b": 0}, {}, 1_000, {})

    shares, _ = share(rounds, {"a": 50, "b": 50}, {}, 20, {})

    assert shares == {"a": 10, "b": 10}


def test_who_leaves_in_the_middle_of_a_turn_has_none_of_it_left() -> None:
    weights, both = {"a": 10, "b": 1}, {"a": 50, "b": 50}
    _, rounds = share(Rounds(), both, weights, 1, {})
    _, rounds = share(rounds, {"b": 50}, weights, 0, {})

    shares, _ = share(rounds, both, weights, 1, {})

    assert rounds == Rounds(("b",))
    assert shares == {"b": 1}


def test_a_cap_below_the_weight_takes_nothing_of_a_turn() -> None:
    """Its one place is free again each time, and each time it goes on with its turn of three."""
    weights = {"a": 3, "b": 1}

    assert one_by_one(weights, 8, room={"a": 1}) == "aaabaaab"


def test_who_is_held_keeps_its_turn_but_no_more_than_one() -> None:
    held, rounds = {"a": 0}, Rounds()
    for _ in range(100):
        shares, rounds = share(rounds, {"a": 9, "b": 900}, {}, 2, held)
        assert shares == {"b": 2}

    shares, _ = share(rounds, {"a": 9, "b": 900}, {}, 9, {})

    assert shares == {"a": 5, "b": 4}


def test_a_smaller_weight_cuts_an_unfinished_turn() -> None:
    rounds = Rounds(("a", "b"), {"a": 9})

    shares, rounds = share(rounds, {"a": 50, "b": 50}, {"a": 2, "b": 1}, 3, {})

    assert shares == {"a": 2, "b": 1}
    assert rounds == Rounds(("a", "b"))


def test_newcomers_queue_up_as_they_are_given() -> None:
    _, rounds = share(Rounds(), {"b": 1, "a": 1}, {}, 0, {})
    _, rounds = share(rounds, {"c": 1, "a": 1, "b": 1}, {}, 0, {})

    assert rounds.order == ("b", "a", "c")


def test_thousands_of_namespaces_are_looked_at_once() -> None:
    """All are held but the last: it gets every place, and nobody is asked again for each."""
    namespaces = [f"team-{number}" for number in range(10_000)]
    room = Counted(dict.fromkeys(namespaces, 0) | {namespaces[-1]: PLENTY})

    shares, _ = share(Rounds(), dict.fromkeys(namespaces, PLENTY), {}, 64, room)

    assert shares == {namespaces[-1]: 64}
    assert room.looks <= len(namespaces) + 64


class Counted(dict[str, int]):
    """Counts how often it is read."""

    looks = 0

    def get(self, key: str, default: int = 0, /) -> int:  # type: ignore[override]
        self.looks += 1
        return super().get(key, default)


def one_by_one(weights: dict[str, int], count: int, room: dict[str, int] | None = None) -> str:
    """Who gets the next places, when all always wait and one place at a time becomes free."""
    order, rounds = "", Rounds()
    for _ in range(count):
        shares, rounds = share(rounds, dict.fromkeys(weights, PLENTY), weights, 1, room or {})
        order += "".join(shares)
    return order
