"""The number of examples of a property, by the profile that Hypothesis runs in.

`fast` is for each change of a line, `default` for each commit, `thorough` for runs before a merge.
None has a deadline per example: other tests run beside it.
"""

from __future__ import annotations

from hypothesis import settings

SHARES = {"fast": 0.05, "default": 0.4, "thorough": 4.0}
LEAST = 10
USUAL = 100
"""What Hypothesis tries where a test says nothing."""


def register() -> None:
    """Register the profiles before Hypothesis' plugin loads the requested one."""
    for name in SHARES:
        settings.register_profile(name, max_examples=_scaled(USUAL, name), deadline=None)


def examples(count: int) -> int:
    """That many in the profile `default`; fewer or more in the others."""
    return _scaled(count, settings.get_current_profile_name())


def _scaled(count: int, profile: str) -> int:
    return max(LEAST, round(count * SHARES.get(profile, 1.0)))
