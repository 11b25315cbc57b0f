"""Which namespace gets the next free slot, over long periods."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import combinations, permutations
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st
from imagejob_operator.config.reserve import Reserve
from imagejob_operator.scheduling.fair_share import LIMIT, START, Accounts, Demand, share
from support.slots import BEGIN, PLENTY, Look, Slots

NAMES = ("a", "b", "c", "d")
LONGEST = 600
SECOND = 1_000_000_000


class Step(NamedTuple):
    """The namespaces that ask, with their workers and seconds, and the time until the next step."""

    come: dict[str, tuple[int, int]]
    wait: int


class Course(NamedTuple):
    places: int
    kept: int
    weights: dict[str, int]
    caps: dict[str, int]
    steps: list[Step]


names = st.sampled_from(NAMES)
workers = st.tuples(st.integers(1, 12), st.sampled_from([1, 2, 30, LONGEST]))
steps = st.builds(Step, st.dictionaries(names, workers, max_size=4), st.integers(0, 700))
courses = st.integers(1, 8).flatmap(
    lambda places: st.builds(
        Course,
        st.just(places),
        st.integers(0, places - 1),
        st.fixed_dictionaries({name: st.integers(1, 7) for name in NAMES}),
        st.dictionaries(names, st.integers(0, 4), max_size=2),
        st.lists(steps, min_size=1, max_size=12),
    )
)


def run(course: Course) -> list[Look]:
    slots = Slots(course.places, course.kept, course.weights, course.caps)
    for step in course.steps:
        for name, (count, seconds) in step.come.items():
            slots.arrive(name, seconds, count)
        slots.look()
        slots.wait(step.wait)
    return slots.looks


def stretches(looks: list[Look], name: str) -> list[list[Look]]:
    """The longest runs in which it could always have had one more slot."""
    found: list[list[Look]] = [[]]
    for look in looks:
        if look.may_have_more(name):
            found[-1].append(look)
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if len(stretch) > 1]


def lead(look: Look, name: str, other: str) -> Fraction:
    """By how many seconds of cost one is ahead of the other, after the slots were given."""
    spent, clock = look.after.spent, look.after.clock
    ahead = spent.get(name, clock) - spent.get(other, clock)
    return max(Fraction(0), Fraction(ahead, SECOND))


@given(courses)
def test_no_namespace_gets_more_than_its_share_while_another_waits(course: Course) -> None:
    """The bound of fair_share.py, to a thousandth of a second, which rounding may cost."""
    looks = run(course)

    for name, other in permutations(NAMES, 2):
        for stretch in stretches(looks, name):
            weight = course.weights[other]
            for first, last in [(0, -1), (0, len(stretch) // 2), (len(stretch) // 2, -1)]:
                begin, end = stretch[first], stretch[last]
                at_once = {
                    each: max(look.held.get(each, 0) for look in stretch) for each in (name, other)
                }
                most = Fraction(at_once[other] * (1 + LONGEST), weight)
                usual = max(
                    known.usual(name) for look in stretch for known in (look.before, look.after)
                )
                most += Fraction(at_once[name] * usual, SECOND * course.weights[name])
                most += lead(begin, name, other)
                grown = {
                    each: end.cost.get(each, Fraction(0)) - begin.cost.get(each, Fraction(0))
                    for each in (name, other)
                }
                assert grown[other] - grown[name] <= most + Fraction(1, 1000)


@given(courses)
def test_no_place_stays_free_while_somebody_may_have_it(course: Course) -> None:
    for look in run(course):
        given = sum(look.shares.values())

        assert given <= look.free
        assert all(0 < count <= look.demands[name].workers for name, count in look.shares.items())
        assert all(count <= look.demands[name].budget for name, count in look.shares.items())
        assert given == look.free or not any(look.may_have_more(name) for name in NAMES)


@given(courses)
def test_who_holds_none_has_a_place_unless_as_many_as_are_kept_hold_one(course: Course) -> None:
    for look in run(course):
        many = sum(count for count in look.held.values() if count > 1)
        single = sum(count == 1 for count in look.held.values())
        left_out = [
            name for name in NAMES if look.may_have_more(name) and not look.held.get(name, 0)
        ]

        assert many <= course.places - course.kept or many == 0
        assert not left_out or single >= course.kept


@given(courses)
def test_only_those_who_matter_are_remembered(course: Course) -> None:
    for look in run(course):
        known = look.after
        clock, most = known.clock, known.clock + LIMIT // timedelta(microseconds=1) * 1000
        ahead = {name for name, time in known.spent.items() if time > clock}

        assert known.spent.keys() <= ahead | known.held.keys() | look.demands.keys()
        assert all(time <= most for time in known.spent.values())


def one_by_one(weights: dict[str, int], count: int, room: dict[str, int] | None = None) -> str:
    """The namespaces of the next slots, when all always wait and no slot is held for any time."""
    order, accounts = "", Accounts(BEGIN)
    for _ in range(count):
        demands = {
            name: Demand(PLENTY, (room or {}).get(name, PLENTY), 0, weight)
            for name, weight in weights.items()
        }
        shares, accounts = share(accounts, demands, 1, Reserve(1))
        order += "".join(shares)
        accounts = accounts.observed(shares, weights, weights.__getitem__, BEGIN)
        accounts = accounts.observed({}, weights, weights.__getitem__, BEGIN)
    return order


def at_once(demands: dict[str, Demand], free: int, kept: int = 0) -> dict[str, int]:
    return share(Accounts(BEGIN), demands, free, Reserve(free, kept))[0]


def test_places_of_one_moment_are_shared_by_weight() -> None:
    demands = {
        name: Demand(PLENTY, PLENTY, 0, weight) for name, weight in {"a": 1, "b": 2, "c": 5}.items()
    }

    assert at_once(demands, 80) == {"a": 10, "b": 20, "c": 50}


def test_who_wants_little_leaves_the_rest_to_the_others() -> None:
    assert at_once({"a": Demand(3, PLENTY), "b": Demand(PLENTY, PLENTY)}, 64) == {"a": 3, "b": 61}


def test_who_is_held_leaves_the_rest_to_the_others() -> None:
    assert at_once({"a": Demand(PLENTY, 3), "b": Demand(PLENTY, PLENTY)}, 64) == {"a": 3, "b": 61}


def test_one_place_at_a_time_goes_round() -> None:
    assert one_by_one({"a": 2, "b": 1, "c": 1}, 8) == "abcaabca"


def test_a_place_that_is_held_for_long_counts_for_as_much() -> None:
    """One of 60 seconds costs as much as twenty of two seconds, with the cost of their starts."""
    slots = Slots(1)
    slots.arrive("long", 60, 10)
    slots.arrive("short", 2, 1000)
    slots.look()

    slots.wait(600)

    assert slots.ended["long"] in (5, 6)
    assert abs(slots.cost["long"] - slots.cost["short"]) <= 61


def test_two_that_hold_as_long_have_as_many_turns_as_their_weights_say() -> None:
    slots = Slots(1, weights={"a": 1, "b": 3})
    slots.arrive("a", 5, 1000)
    slots.arrive("b", 5, 1000)
    slots.look()

    slots.wait(400)

    assert slots.ended["b"] == 60
    assert slots.ended["a"] == 20


def test_a_newcomer_is_served_immediately_but_not_for_the_time_before() -> None:
    slots = Slots(1)
    slots.arrive("old", 5, 1000)
    slots.look()
    slots.wait(500)
    slots.arrive("new", 5, 1000)

    slots.wait(100)

    assert slots.waited["new"][0] <= 5
    assert slots.ended["new"] == 10


def test_slots_that_nobody_else_wanted_cost_nothing() -> None:
    """It had eight for ten minutes; then another comes, and they take turns."""
    slots = Slots(8)
    slots.arrive("alone", 1, 10_000)
    slots.look()
    slots.wait(600)
    slots.arrive("other", 1, 10_000)
    before = slots.ended["alone"]

    slots.wait(100)

    assert abs((slots.ended["alone"] - before) - slots.ended["other"]) <= 8


def test_what_is_held_while_others_wait_is_paid_for() -> None:
    slots = Slots(2)
    slots.arrive("long", 300, 10)
    slots.look()
    slots.arrive("short", 1, 10_000)

    slots.wait(440)

    assert slots.held == {"long": 0, "short": 2}
    assert slots.ended == {"long": 2, "short": 2 * 140}


def test_a_lead_is_forgotten_as_fast_as_it_was_held_by_who_wants_nothing() -> None:
    spent = {"a": 100 * SECOND}
    accounts = Accounts(BEGIN, 0, spent)

    later = accounts.observed({}, [], lambda _: 1, BEGIN + timedelta(seconds=40))
    much_later = accounts.observed({}, [], lambda _: 1, BEGIN + timedelta(seconds=100))

    assert later.spent == {"a": 60 * SECOND}
    assert much_later.spent == {}


def test_a_lead_is_kept_by_who_waits() -> None:
    accounts = Accounts(BEGIN, 0, {"a": 100 * SECOND})

    later = accounts.observed({}, ["a"], lambda _: 1, BEGIN + timedelta(seconds=40))

    assert later.spent == {"a": 100 * SECOND}


def test_wanting_nothing_earns_no_credit() -> None:
    """It always held a slot for a little while, and wanted no other."""
    accounts = Accounts(BEGIN, 99 * SECOND, {"rich": SECOND, "poor": 99 * SECOND})
    demands = {"rich": Demand(9, 9, 1), "poor": Demand(9, 9)}

    shares, _ = share(accounts, demands, 8, Reserve(9))

    assert shares == {"rich": 4, "poor": 4}


def test_no_lead_exceeds_the_limit() -> None:
    accounts = Accounts(BEGIN, 7, held={"a": 9})

    later = accounts.observed({"a": 9}, [], lambda _: 1, BEGIN + LIMIT)

    assert later.spent == {"a": 7 + LIMIT // timedelta(microseconds=1) * 1000}


def test_a_clock_that_is_put_back_takes_nothing_back() -> None:
    accounts = Accounts(BEGIN, 0, {"a": SECOND}, {"a": 1})

    later = accounts.observed({"a": 1}, [], lambda _: 1, BEGIN - timedelta(seconds=9))

    assert later.spent == {"a": SECOND}
    assert later.at == BEGIN - timedelta(seconds=9)


def test_after_a_restart_what_is_held_counts_from_then_on() -> None:
    first = Accounts().observed({"a": 4}, [], lambda _: 1, BEGIN)
    later = first.observed({"a": 4}, [], lambda _: 1, BEGIN + timedelta(seconds=10))

    assert first.spent == {"a": 0}
    assert later.spent == {"a": 40 * SECOND}


def test_starting_a_worker_costs_a_second_even_if_it_ends_immediately() -> None:
    first = Accounts(BEGIN).observed({"a": 3}, [], lambda _: 1, BEGIN)

    assert first.spent == {"a": 3 * SECOND * START.total_seconds()}


def test_who_does_not_take_its_place_comes_after_the_others() -> None:
    """It waits for a fuller worker, while another could start now."""
    demands = {"gathers": Demand(9, 9), "begins": Demand(9, 9)}
    first, accounts = share(Accounts(BEGIN), demands, 1, Reserve(1))
    accounts = accounts.observed({}, demands, lambda _: 1, BEGIN)

    second, accounts = share(accounts, demands, 1, Reserve(1))
    accounts = accounts.observed({"begins": 1}, demands, lambda _: 1, BEGIN)
    third, _ = share(accounts, demands, 1, Reserve(1))

    assert (first, second, third) == ({"gathers": 1}, {"begins": 1}, {"gathers": 1})


def test_what_is_held_counts_as_what_workers_usually_cost() -> None:
    """Both have had the same; but one's workers take ten minutes, and one of them has started."""
    usual = {"hog": (1200 * SECOND, 2), "tiny": (20 * SECOND, 10)}
    spent = {"hog": 0, "tiny": 0}
    accounts = Accounts(BEGIN, 0, spent, {"hog": 1, "tiny": 1}, usual)

    shares, _ = share(accounts, {"hog": Demand(9, 9, 1), "tiny": Demand(9, 9, 1)}, 5, Reserve(9))

    assert shares == {"tiny": 5}


def test_what_is_usual_follows_what_was_lately() -> None:
    """Sixteen workers of a second, then as many of a minute."""
    slots = Slots(1)
    for seconds in (1, 60):
        slots.arrive("a", seconds, 16)
        slots.look()
        slots.wait(seconds * 16)

    assert slots.looks[-1].after.usual("a") >= 30 * SECOND


def test_once_its_place_was_taken_it_is_its_turn_again() -> None:
    accounts = Accounts(BEGIN, 0, {"hog": 900 * SECOND}, declined=frozenset({"gathers"}))
    demands = {"hog": Demand(9, 9), "gathers": Demand(9, 9)}
    _, accounts = share(accounts, demands, 0, Reserve(2))
    accounts = accounts.observed({"hog": 2}, demands, lambda _: 1, BEGIN)

    shares, _ = share(accounts, demands, 1, Reserve(2))

    assert shares == {"gathers": 1}


def test_a_place_that_others_do_not_take_erases_no_lead() -> None:
    accounts = Accounts(
        BEGIN, 0, {"hog": 900 * SECOND, "gathers": 0}, declined=frozenset({"gathers"})
    )
    demands = {"hog": Demand(9, 9), "gathers": Demand(9, 9)}

    shares, after = share(accounts, demands, 1, Reserve(2))

    assert shares == {"hog": 1}
    assert after.clock == 0


def test_what_is_kept_goes_to_those_with_none() -> None:
    demands = {"hog": Demand(9, 9), "two": Demand(9, 9)}

    alone = at_once({"hog": Demand(9, 9)}, 8, kept=2)
    both = at_once(demands, 8, kept=2)
    new = at_once({**demands, "new": Demand(9, 9)}, 8, kept=2)

    assert alone == {"hog": 6}
    assert both == {"hog": 3, "two": 3}
    assert new == {"hog": 2, "two": 2, "new": 2}


def test_thousands_of_namespaces_are_looked_at_once() -> None:
    """All but the last are held: it gets every slot, and the others aren't asked again for each."""
    teams = [f"team-{number}" for number in range(10_000)]
    demands = {name: Demand(PLENTY, 0) for name in teams} | {teams[-1]: Demand(PLENTY, PLENTY)}

    assert at_once(demands, 64) == {teams[-1]: 64}


def test_combinations_of_all_are_fair_in_the_long_run() -> None:
    """Weights 1, 2 and 4, workers of 60, 7 and 1 seconds: the costs are as the weights."""
    slots = Slots(5, weights={"a": 1, "b": 2, "c": 4})
    for name, seconds in {"a": 60, "b": 7, "c": 1}.items():
        slots.arrive(name, seconds, 10_000)
    slots.look()

    slots.wait(2_000)

    for one, other in combinations("abc", 2):
        assert abs(slots.cost[one] - slots.cost[other]) <= 5 * 61
