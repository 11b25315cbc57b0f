"""Which namespaces have series of their own."""

from __future__ import annotations

from imagejob_operator.observability.namespaces import (
    OTHERS,
    NamespaceUse,
    Seats,
    WindowUse,
    together,
)


def use(
    namespace: str, used: int = 0, limit: int = 10, window: str = "1h", **counts: int
) -> NamespaceUse:
    of = {"waiting": 0, "running": 0, **counts}
    return NamespaceUse(namespace, (WindowUse(window, limit, used),), **of)


def names(seats: Seats, *uses: NamespaceUse) -> list[str]:
    return [each.namespace for each in seats.select(uses)]


def test_a_namespace_without_activity_has_none() -> None:
    assert names(Seats(5), use("idle"), use("busy", 1), use("full", waiting=1)) == ["busy", "full"]


def test_the_fullest_get_the_first_seats_and_the_rest_are_summed_up() -> None:
    seats = Seats(2)

    assert names(seats, use("a", 1), use("b", 9), use("c", 5), use("d", 2)) == ["b", "c", OTHERS]


def test_a_seat_is_kept_until_its_namespace_rests() -> None:
    seats = Seats(1)
    names(seats, use("a", 1))

    assert names(seats, use("a", 1), use("b", 9)) == ["a", OTHERS]
    assert names(seats, use("a", 0), use("b", 9)) == ["b"]


def test_the_rest_are_summed_up_by_window() -> None:
    rest = together([use("a", 4), use("b", 5, 30, waiting=2), use("c", 7, 100, "24h", running=3)])

    assert rest == NamespaceUse(OTHERS, (WindowUse("1h", 40, 9), WindowUse("24h", 100, 7)), 2, 3)
