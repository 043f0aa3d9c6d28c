"""The tables after noise: what the small-number rules look at. Hold nothing exact; only `noise` makes them."""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes import Scalar


@dataclass(frozen=True, slots=True, repr=False)
class NoisyBlock:
    """One grouping set. ``keys``: None for the dense public cells; else the discovered groups that passed the noisy threshold, in
    the order of their values. ``numbers``: for each measure a noisy number of every group; of a quantile's ranks the chosen
    candidate, in grid steps."""

    keys: tuple[tuple[Scalar, ...], ...] | None
    groups: int
    numbers: tuple[tuple[int, ...], ...]

    def __post_init__(self) -> None:
        if not self.numbers or any(len(vector) != self.groups for vector in self.numbers):
            raise ValueError("a noisy table has a number for every group")
        if any(type(number) is not int for vector in self.numbers for number in vector):
            raise TypeError("a noisy table is made of integers")
        if self.keys is not None and len(self.keys) != self.groups:
            raise ValueError("a noisy table has a key for every group")

    def __repr__(self) -> str:
        return f"NoisyBlock({len(self.numbers)} measures, {self.groups} groups)"


@dataclass(frozen=True, slots=True, repr=False)
class NoisyChoice:
    """The chosen bound, and the noisy number of persons who have more rows in a group than it."""

    k: int
    clamped: int

    def __repr__(self) -> str:
        return "NoisyChoice()"


@dataclass(frozen=True, slots=True, repr=False)
class NoisyTable:
    """The grouping sets of an answer, in the plan's order."""

    blocks: tuple[NoisyBlock, ...]

    def __repr__(self) -> str:
        return f"NoisyTable({len(self.blocks)} blocks)"
