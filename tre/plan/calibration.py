"""What was measured of each class and each kind of plans, on one machine, on made-up records of a dataset's published size.

Promises that a table is used for the size and on the machine that it was measured for, when its digest is the one that the log
names, and nowhere else; there the table that ships stands. A plan of no class has the time of the table that ships, and longer
where the questions of one of its kinds took longer here than that table expects; never less. Never knows a record.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tre import __version__
from tre.plan.classes import CLASSES, class_of
from tre.plan.kinds import kinds_of
from tre.plan.nodes import Plan
from tre.plan.steps import UNPUBLISHED, expected, release_time, step_for
from tre.terms import canonical, digest

WORKERS = 2  # as the settings have it
RUNS = 1_000  # the fewest of a class that are believed


@dataclass(frozen=True, slots=True)
class Calibration:
    """The slowest run of each class, in seconds, by the class's name; and by the kind's name, how many times as long as the table
    that ships expects the slowest run of a question took. What is not there was not measured."""

    dataset: str
    persons: int
    machine: str
    runs: int
    slowest: Mapping[str, float]
    ratios: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (
            self.persons < 1
            or self.runs < 1
            or not all(0 < measured < 3_600 for measured in (*self.slowest.values(), *self.ratios.values()))
        ):
            raise ValueError("not a calibration")

    def seconds(self, plan: Plan) -> float | None:
        """The slowest run of a plan's class, or of a smaller one where that was slower."""
        wanted = class_of(plan)
        if wanted is None or str(wanted) not in self.slowest:
            return None
        return max(self.slowest[str(one)] for one in CLASSES if str(one) in self.slowest and one.within(wanted))

    def stretch(self, plan: Plan) -> float:
        """How many times as long as the table that ships expects a plan may take: its slowest kind's, and at least 1."""
        return max(1.0, *(self.ratios.get(kind, 1.0) for kind in kinds_of(plan)))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Release times by what was measured: the steps of `steps.release_time`, with a dataset's own table where there is one."""

    tables: Mapping[str, Calibration]

    def __call__(
        self, plan: Plan, persons: int, quantum_ms: int, deadline_s: float, rows: Mapping[str, int] = UNPUBLISHED
    ) -> float:
        table = self.tables.get(plan.dataset)
        if table is None or table.persons != persons:
            return release_time(plan, persons, quantum_ms, deadline_s, rows)
        seconds = table.seconds(plan)
        if seconds is None:
            seconds = expected(plan, persons, rows) * table.stretch(plan)
        return step_for(seconds, quantum_ms, deadline_s)


@dataclass(frozen=True, slots=True)
class Standing:
    """Which tables can be used, and what is to be said of the others, by dataset. ``foreign``: the file is not the log's."""

    tables: Mapping[str, Calibration] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False


def to_bytes(tables: Mapping[str, Calibration]) -> bytes:
    """A file's content; the log names its digest."""
    return canonical({name: asdict(table) for name, table in tables.items()})


def standing(file: Path, logged: str | None, sizes: Mapping[str, int], workers: int = WORKERS) -> Standing:
    """The tables of a file, judged by the digest in the log, this machine with so many workers, and the published size of each
    dataset."""
    try:
        raw = file.read_bytes()
    except FileNotFoundError:
        return Standing(hints=dict.fromkeys(sizes, "not measured on this machine"), foreign=logged is not None)
    if digest(raw) != logged:
        return Standing(hints=dict.fromkeys(sizes, "the file is not the one that the log names"), foreign=True)
    kept = json.loads(raw)
    hints = {name: _hint(kept.get(name), persons, workers) for name, persons in sizes.items()}
    usable = {name: Calibration(**kept[name]) for name, hint in hints.items() if not hint}
    return Standing(usable, {name: hint for name, hint in hints.items() if hint})


def _hint(kept: Mapping[str, Any] | None, persons: int, workers: int) -> str:
    """Why a table is not used; nothing for one that is."""
    if kept is None:
        return "not measured on this machine"
    if kept["persons"] != persons:
        return f"measured for {kept['persons']:,} persons, and the policy publishes {persons:,}"
    if kept["machine"] != machine(workers):
        return f"measured on another machine or version ({kept['machine']})"
    if kept["runs"] < RUNS:
        return f"measured with {kept['runs']} runs of each class; {RUNS:,} are needed"
    return ""


def machine(workers: int = WORKERS) -> str:
    """What a measurement is of: processor, cores, the workers that share them, and the versions that run on them."""
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        told = ""
    models = [line.partition(":")[2].strip() for line in told.splitlines() if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {workers} workers, tre {__version__}, Python {platform.python_version()}"
