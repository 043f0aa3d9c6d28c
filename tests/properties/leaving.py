"""One set of records without some people, brought about in each way there is: they objected, they are not on the check service's
list, they were left out at load; and a database that never held them. Through the store itself, from files to exclusions."""

from __future__ import annotations

import csv
import random
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb

from tests.properties.generated import random_records
from tests.vault.building import REGIMES, TABLES, Held, Quiet, Shape
from tre.persons import pseudonym, valid_nhs_number
from tre.plan import nodes as n
from tre.policy.model import DatasetPolicy
from tre.store import enlist, exclude, load

KEY = bytes(range(32))
NUMBERS = [str(number) for number in range(9_990_000_000, 9_990_001_000) if valid_nhs_number(str(number))]
AS_OF = "2026-11-01T00:00:00.000000Z"
BY_EXCLUSION, AT_LOAD = ("objected", "not-cleared", "either"), "left-out-at-load"
Records = Mapping[str, Sequence[Mapping[str, Any]]]
Exact = list[tuple[Any, ...]]


def _column(domain: n.Domain) -> dict[str, Any]:
    """A domain of these tests as a policy has it."""
    told: dict[str, Any] = {"type": domain.kind, "nullable": domain.nullable, "description": "A column.", "source": "Made up"}
    if domain.kind == "category":
        return told | {"keys": "public", "values": domain.values}
    if domain.kind == "code":
        return told | {"keys": "discovered"}
    ends = [_text(domain, end) for end in domain.ends]
    return told | {"keys": "public", "min": ends[0], "max": ends[1]} | ({"grid": domain.grid} if domain.kind == "decimal" else {})


def _text(domain: n.Domain, value: Any) -> str:
    """A value as a source writes it."""
    if value is None:
        return ""
    if domain.kind == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    return format(float(value * Fraction(domain.grid)), ".1f") if domain.kind == "decimal" else str(value)


def _table(shape: Shape) -> dict[str, Any]:
    scan = shape.scan
    told = {"description": "A table.", "columns": {name: _column(domain) for name, domain in shape.domains.items()}}
    if scan.row_cap == 1:
        return told | {"one_row_per_person": True}
    return told | {"max_rows": scan.max_rows, "max_groups": scan.max_groups, "row_cap": scan.row_cap}


POLICY = DatasetPolicy.model_validate({
    "dataset": "gp",
    "title": "Made up",
    "controller": "Nobody",
    "lifetime_cap": {"epsilon": "50", "delta": "1e-6"},
    "max_persons": 1_000_000,
    "privacy_unit": "person",
    "person_source": {"column": "nhs_number", "check": "nhs-number"},
    "tables": {name: _table(shape) for name, shape in TABLES.items()},
    "disclosure": {"threshold": 10, "rounding": 5, "max_rows_out": 10_000},
    "accounting": {"default_share": "0.01", "quantum_ms": 250, "deadline_s": 60, "queue": 128, "faults_before_hold": 3},
    "published_size": {"persons": 100, "source": "Made up"},
    "opt_outs": {"max_list_age_days": 7},
})  # fmt: skip


def write_sources(folder: Path, records: Records, without: set[int] = frozenset()) -> Path:  # type: ignore[assignment]
    folder.mkdir()
    for table, shape in TABLES.items():
        with (folder / f"{table}.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["nhs_number", *shape.domains])
            for row in records[table]:
                if row["person"] not in without:
                    values = (_text(domain, row[name]) for name, domain in shape.domains.items())
                    lines.writerow([NUMBERS[row["person"]], *values])
    return folder


def pseudonyms(persons: Iterable[int]) -> list[bytes]:
    return [pseudonym(KEY, NUMBERS[person]) for person in persons]


@dataclass
class World:
    """The same people left out in every way, and a database that never held them; each with a vault of its own."""

    gone: set[int]
    held: Mapping[str, Held]
    vaults: Mapping[str, Quiet]

    def exact(self, way: str, plan: n.Plan) -> Exact:
        """What is handed to the noise."""
        blocks = self.vaults[way].exact(plan, self.held[way]).blocks
        return [(block.keys, block.groups, [list(vector) for vector in block.numbers]) for block in blocks]

    def left_out(self, way: str) -> list[int]:
        """The persons of a way's exclusion: equal files leave out the same."""
        with duckdb.connect(self.held[way][1].file, read_only=True) as connection:
            return [person for (person,) in connection.execute("SELECT person FROM excluded").fetchall()]

    def never(self, plan: n.Plan) -> Exact:
        return self.exact("never-held", plan)


@contextmanager
def world_of(folder: Path, seed: int, persons: int = 14) -> Iterator[World]:
    """Which rows of a person are kept, and in which order, is that person's alone, under a secret that is the same here."""
    dice = random.Random(seed)
    records = random_records(dice, persons)
    gone = {person for person in range(persons) if dice.random() < 0.3} or {0}
    folder.mkdir()
    (folder / "cleared.txt").write_text("".join(f"{NUMBERS[p]},\n" for p in range(len(NUMBERS)) if p not in gone))
    some = {person for person in gone if dice.random() < 0.5}
    (folder / "either.txt").write_text("".join(f"{NUMBERS[p]},\n" for p in range(persons) if p not in some))
    with patch.object(secrets, "randbits", lambda _: seed):
        everybody = load(POLICY, write_sources(folder / "all", records), folder / "all-store", KEY).snapshot
        less = load(POLICY, folder / "all", folder / "less-store", KEY, pseudonyms(gone)).snapshot
        never = load(POLICY, write_sources(folder / "never", records, gone), folder / "never-store", KEY).snapshot
    cleared, either = (enlist(folder / f"{name}.txt", folder / "registers", KEY).file for name in ("cleared", "either"))
    held = {
        "objected": (everybody, exclude(everybody, 1, REGIMES, pseudonyms(gone), AS_OF)),
        "not-cleared": (everybody, exclude(everybody, 2, REGIMES, [], AS_OF, cleared)),
        "either": (everybody, exclude(everybody, 3, REGIMES, pseudonyms(gone - some), AS_OF, either)),
        "left-out-at-load": (less, exclude(less, 1, REGIMES, [], AS_OF)),
        "never-held": (never, exclude(never, 1, REGIMES, [], AS_OF)),
        "nobody-left-out": (everybody, exclude(everybody, 4, REGIMES, [], AS_OF)),
    }
    stores = {way: Path(snapshot.folder).parents[1] for way, (snapshot, _) in held.items()}
    yield World(gone, held, {way: Quiet(stores[way], folder) for way in held})
