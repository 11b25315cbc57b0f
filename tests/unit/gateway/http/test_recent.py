"""Values by key, for a moment."""

from __future__ import annotations

from imagejob_gateway.http.recent import Recent


def test_a_value_is_made_again_when_it_is_old_and_forgotten_then() -> None:
    made: list[str] = []
    now = 100.0

    def make(key: str) -> int:
        made.append(key)
        return len(made)

    recent = Recent(make, 1.0, lambda: now)
    first = [recent.get("a"), recent.get("b"), recent.get("a")]
    now += 0.9
    first.append(recent.get("b"))
    now += 0.1
    later = recent.get("b")

    assert first == [1, 2, 1, 2]
    assert later == 3
    assert list(recent._made) == ["b"]
