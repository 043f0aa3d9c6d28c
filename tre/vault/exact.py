"""The tables before noise: integers of groups, and of how many rows persons have, alive between an engine and the noise and
nowhere else.

Promises that they are whole (a number of every measure for every group), made of integers, and that printing them shows their
shape alone. Imported by the engines, the check and the noise only.
"""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes import Scalar

Numbers = tuple[int, ...]
Bins = tuple[tuple[int, ...], ...]  # of each group, the weight at each candidate


@dataclass(frozen=True, slots=True, repr=False)
class ExactBlock:
    """One grouping set. ``keys``: None for public keys, whose groups are the dense cells of `cells.labels` in their order, empty
    ones too; else the groups that exist, each a tuple of key values as a plan writes literals, sorted. ``numbers``: for each
    measure a vector over the groups; of a quantile's ranks a vector of weights for each group."""

    keys: tuple[tuple[Scalar, ...], ...] | None
    groups: int
    numbers: tuple[Numbers | Bins, ...]

    def __post_init__(self) -> None:
        if not self.numbers or any(len(vector) != self.groups for vector in self.numbers):
            raise ValueError("a table has a number for every group")
        if self.keys is not None and len(self.keys) != self.groups:
            raise ValueError("a table has a key for every group")
        for vector in self.numbers:
            if any(type(n) is not int for one in vector for n in (one if isinstance(one, tuple) else (one,))):
                raise TypeError("an exact table is made of integers")

    def __repr__(self) -> str:
        return f"ExactBlock({len(self.numbers)} measures, {self.groups} groups)"


@dataclass(frozen=True, slots=True, repr=False)
class ExactContributions:
    """How many persons stand at each place on the grid of bounds, by the most rows that they have in one group (`plan.choice`);
    the last are those beyond the largest bound."""

    persons: Numbers

    def __post_init__(self) -> None:
        if any(type(number) is not int for number in self.persons):
            raise TypeError("persons are counted in integers")

    def __repr__(self) -> str:
        return f"ExactContributions({len(self.persons)} places)"


@dataclass(frozen=True, slots=True, repr=False)
class ExactTable:
    """The grouping sets of an answer, in the plan's order."""

    blocks: tuple[ExactBlock, ...]

    def __repr__(self) -> str:
        return f"ExactTable({len(self.blocks)} blocks)"
