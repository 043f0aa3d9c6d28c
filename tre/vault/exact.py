"""The table before noise: integers of the dense cells, alive between an engine and the noise and nowhere else.

Promises that it is whole (a number for every cell), made of integers, and that printing it shows its shape alone. Imported by the
engines, the check and the noise only.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class ExactTable:
    """``counts``: for each statistic of the plan the exact counts of persons, one for every cell."""

    counts: tuple[tuple[int, ...], ...]
    cells: int

    def __post_init__(self) -> None:
        if not self.counts or any(len(vector) != self.cells for vector in self.counts):
            raise ValueError("an exact table has a number for every cell")
        if any(type(count) is not int for vector in self.counts for count in vector):
            raise TypeError("an exact table is made of integers")

    def __repr__(self) -> str:
        return f"ExactTable({len(self.counts)} statistics, {self.cells} cells)"
