"""Person-separability, on every node of generated plans: the rows that the engine has of a relation are those that it has of each
person's records alone, put together.

What is run is the compile room's own text of a relation, with every column that can be read above it and the order among a
person's rows, on the engine's own connection: once over everybody, and once over the tables of each person alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.properties.generated import SCHEMA, Maker, random_records
from tests.vault.building import TABLES, Quiet, Rows, build
from tre.plan import nodes as n
from tre.plan.nodes.relations import Relation
from tre.vault.compile import relations as compiled
from tre.vault.compile.text import EVERYBODY, Codes, Gathered

PERSONS = 4
A_STORE = 100  # relations of one database

Told = tuple[str, tuple[Codes, ...]]  # text, and what its parameters are


def below(relation: Relation) -> Iterator[Relation]:
    """A relation and every relation that it is made of."""
    yield relation
    for name in type(relation).__dataclass_fields__:
        part = getattr(relation, name)
        if isinstance(part, Relation):
            yield from below(part)


def source(person: int) -> str:
    return f"alone{person}_"


def text(relation: Relation, of: str) -> Told:
    """The person, every column that can be read above, and the order among the person's rows."""
    told = {label: SCHEMA[_table(relation, label)] if known is None else known for label, known in n.outputs(relation).items()}
    needed = frozenset((label, name) for label, names in told.items() for name in names)
    gathered = Gathered(of, None, [])
    core = compiled.rows(relation, needed, gathered)
    listed = [core.person, *(core.names[label](name).text for label, name in sorted(needed)), *([core.rank] if core.rank else [])]
    return f"SELECT {', '.join(listed)} FROM {core.after_from}", tuple(gathered.codes)


def _table(relation: Relation, label: str) -> str:
    return next(one.table for one in below(relation) if isinstance(one, n.Scan) and one.label == label)


class World:
    """An open snapshot, and beside it the tables of each of its persons alone."""

    def __init__(self, store: Path, records: Rows) -> None:
        more = {name: rows for name, rows in records.items() if name != "patients"}
        self._vault = Quiet(store, store)
        self._records = self._vault.prepare(*build(store, records["patients"], (), more))
        for person in range(PERSONS):
            for table in TABLES:
                rows = f"SELECT * FROM temp.{EVERYBODY}{table} WHERE person = {person}"
                self._records._rows(f"CREATE TEMP TABLE {source(person)}{table} AS {rows}")

    def rows(self, told: Told) -> Counter[tuple[Any, ...]]:
        sql, codes = told
        return Counter(self._records._rows(sql, [self._records._number(one) for one in codes]))

    def separable(self, relation: Relation) -> int:
        """How many rows a relation has; fails where they are not those of each person alone."""
        whole, apart = self.rows(text(relation, EVERYBODY)), self.alone(relation)
        assert whole == apart, relation
        return whole.total()

    def alone(self, relation: Relation) -> Counter[tuple[Any, ...]]:
        """The rows of each person alone: each is that person's, so that the parts are disjoint."""
        told = [text(relation, source(person)) for person in range(PERSONS)]
        parts = " UNION ALL ".join(f"SELECT {person} AS of, * FROM ({sql})" for person, (sql, _) in enumerate(told))
        rows = self.rows((parts, told[0][1]))
        assert all(row[0] == row[1] for row in rows), relation
        return Counter({row[1:]: count for row, count in rows.items()})

    def close(self) -> None:
        self._records.close()


def check(folder: Path, seeds: Sequence[int]) -> Counter[str]:
    """`A_STORE` relations of each seed; how many of each kind, and how many had rows."""
    seen: Counter[str] = Counter()
    for seed in seeds:
        dice = random.Random(seed)
        store = folder / f"store{seed}"
        store.mkdir()
        world = World(store, random_records(dice, PERSONS))
        made = 0
        while made < A_STORE:
            for relation in below(Maker(dice).plan().relation):
                seen["with rows"] += world.separable(relation) > 0
                seen[type(relation).__name__] += 1
                made += 1
        world.close()
    return seen


@pytest.mark.parametrize("part", range(4))
def test_every_relation_is_the_union_of_single_persons(tmp_path: Path, part: int) -> None:
    seen = check(tmp_path, range(part * 5, part * 5 + 5))
    kinds = {name: seen[name] for name in ("Scan", "Filter", "Join", "SemiJoin", "Grouped", "Derived")}
    assert sum(kinds.values()) >= 5 * A_STORE and min(kinds.values()) >= 8, kinds
    assert seen["with rows"] > 2.5 * A_STORE


@pytest.mark.audit
@pytest.mark.parametrize("part", range(10))
def test_twenty_thousand_relations(tmp_path: Path, part: int) -> None:
    first = 1_000 + 20 * part
    seen = check(tmp_path, range(first, first + 20))
    assert seen.total() - seen["with rows"] >= 20 * A_STORE


@pytest.mark.parametrize(
    ("ours", "mixed"),
    [
        (n.Join(TABLES["patients"].scan, TABLES["events"].scan), (" = t", " >= t")),
        (n.Join(TABLES["patients"].scan, TABLES["events"].scan, outer=True), (" = t", " <> t")),
        (n.SemiJoin(TABLES["events"].scan, TABLES["visits"].scan), (" = t", " <> t")),
        (n.SemiJoin(TABLES["patients"].scan, TABLES["visits"].scan, anti=True), (" = t", " > t")),
        (
            n.Grouped(TABLES["events"].scan, "g", (), (n.computed("n", "count", None, None, 8),)),
            ("t0.person AS person, count(*)", "min(t0.person) AS person, count(*)"),
        ),
    ],
    ids=["join", "outer", "semi", "anti", "grouped"],
)
def test_a_text_that_mixes_people_is_found(tmp_path: Path, ours: Relation, mixed: tuple[str, str]) -> None:
    """The same comparison fails of a text that is changed in one place."""
    world = World(tmp_path, random_records(random.Random(1), PERSONS))
    assert world.separable(ours) > 0
    sql, codes = text(ours, EVERYBODY)
    assert mixed[0] in sql
    wrong = sql.replace(*mixed)
    if isinstance(ours, n.Grouped):
        wrong = wrong.replace(" GROUP BY 1", "")
    assert world.rows((wrong, codes)) != world.alone(ours)
    world.close()
