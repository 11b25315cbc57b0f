"""Sizes as people read them."""

from __future__ import annotations


def size(count: int) -> str:
    """In the units that `kubectl get` shows for the same thing: 214 KiB, 3.1 MiB."""
    if count < 1024:
        return f"{count} B"
    if count < 1024**2:
        return f"{count / 1024:.0f} KiB"
    return f"{count / 1024**2:.1f} MiB"


def saving(before: int, after: int) -> str:
    """How much smaller, in percent."""
    return f"{100 * (after - before) / before:+.0f}%".replace("-", "\N{MINUS SIGN}")


def pixels(width: int, height: int) -> str:
    """A image's sides."""
    return f"{width}\N{MULTIPLICATION SIGN}{height}"


def ascii_only(text: str) -> str:
    """For a font that has no signs but the ones on keyboards."""
    return text.replace("\N{MULTIPLICATION SIGN}", "x").replace("\N{MINUS SIGN}", "-")
