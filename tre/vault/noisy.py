"""The table after noise: what the small-number rules look at. Holds nothing exact; only `noise` makes one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class NoisyTable:
    """``counts``: for each statistic of the plan the noisy numbers of persons, one for every cell, empty cells included."""

    counts: tuple[tuple[int, ...], ...]
    cells: int

    def __post_init__(self) -> None:
        if not self.counts or any(len(vector) != self.cells for vector in self.counts):
            raise ValueError("a noisy table has a number for every cell")
        if any(type(count) is not int for vector in self.counts for count in vector):
            raise TypeError("a noisy table is made of integers")

    def __repr__(self) -> str:
        return f"NoisyTable({len(self.counts)} statistics, {self.cells} cells)"
