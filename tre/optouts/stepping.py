"""How far a long piece of work has come, told to whoever looks. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable

# (what is being done, how much of it is done: 0 to 1)
Step = Callable[[str, float], None]


def untold(what: str, fraction: float) -> None:
    """Nobody looks."""
