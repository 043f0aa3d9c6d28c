"""Reads a case: a sentence, small tables, a question, the exact answer. Columns are parted by `|`; an empty cell is NULL.

A case of `constructs/` that has no tables asks about the people of `constructs/world.txt`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.spec.quiet import quiet_order, rows_of, without_noise
from tests.vault.building import TABLES, Row, Rows, build, event, first_best, row, visit
from tre.plan.nodes import Domain, Plan, days
from tre.plan.offer import Catalogue, ColumnOffer, TableOffer
from tre.plan.parse import parse
from tre.vault.answer import Vault
from tre.vault.engines.duckdb import Limits

FOLDER = Path(__file__).parent
CONSTRUCTS = FOLDER / "constructs"
WORLD = CONSTRUCTS / "world.txt"
_SECTIONS = {"people": "patients", "events": "events", "visits": "visits"}
_MADE = {"patients": row, "events": event, "visits": visit}
_NOT_KEYS = {("events", "value")}


def _offer(name: str) -> TableOffer:
    shape = TABLES[name]
    keys = {
        at: "discovered" if domain.kind == "code" else None if (name, at) in _NOT_KEYS else "public"
        for at, domain in shape.domains.items()
    }
    columns = {at: ColumnOffer(domain, keys[at]) for at, domain in shape.domains.items()}
    return TableOffer(shape.scan.row_cap == 1, shape.scan.row_cap, columns, shape.scan.max_rows, shape.scan.max_groups)


CATALOGUE = Catalogue("gp", "person", 10_000, {name: _offer(name) for name in TABLES}, "patients.year_of_birth")


@dataclass(frozen=True)
class Case:
    """``says``: the sentence. ``lines``: each table as it was written."""

    says: str
    lines: Mapping[str, list[str]]
    objected: list[int]
    codelists: Mapping[str, tuple[str, ...]]
    question: str
    answer: list[dict[str, str]]

    @property
    def rows(self) -> Rows:
        return {table: [_row(table, cells) for cells in _table(lines)] for table, lines in self.lines.items()}

    @property
    def plan(self) -> Plan:
        return parse(self.question, CATALOGUE, self.codelists)


@cache
def read(file: Path) -> Case:
    """Sections begin with `name:` at the start of a line."""
    parts: dict[str, list[str]] = {"": []}
    place = ""
    for line in file.read_text().splitlines():
        head, colon, rest = line.partition(":")
        if colon and head in (*_SECTIONS, "objected", "codes", "question", "answer"):
            place, line = head, rest
            parts[place] = []
        if line.strip():
            parts[place].append(line.strip())
    codes = tuple(parts.get("codes", [""])[0].split())
    lines = {table: parts[section] for section, table in _SECTIONS.items() if section in parts}
    return Case(
        says=" ".join(parts[""]),
        lines=lines or read(WORLD).lines,
        objected=[int(number) for number in " ".join(parts.get("objected", [])).split()],
        codelists={"listed": codes} if codes else {},
        question=" ".join(parts.get("question", [])),
        answer=_table(parts["answer"]) if parts.get("answer") else [],
    )


def _table(lines: list[str]) -> list[dict[str, str]]:
    head, *body = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert all(len(cells) == len(head) for cells in body), lines
    return [dict(zip(head, cells, strict=True)) for cells in body]


def _row(table: str, cells: Mapping[str, str]) -> Row:
    domains = TABLES[table].domains
    values = {name: _value(domains[name], text) for name, text in cells.items() if name != "person"}
    return _MADE[table](int(cells["person"]), **values)


def _value(domain: Domain, text: str) -> Any:
    if text == "":
        return None
    if domain.kind == "date":
        return days(text)
    if domain.kind == "decimal":
        return round(float(text) / float(domain.grid))
    return int(text) if domain.kind == "integer" else text


def answered(case: Case, place: Path) -> list[dict[str, str]]:
    """What the whole road of a worker gives, noise taken out at its seam and nothing hidden, in the words of a case."""
    store = place / "store"
    store.mkdir(parents=True)
    rows = dict(case.rows)
    held = build(store, rows.pop("patients"), case.objected, rows)
    order = quiet_order(case.plan, held)
    shown = Vault(store.resolve(), Limits(str(place), 1, 1), without_noise, first_best).answer(order)
    return [{name: _text(found[name]) for name in case.plan.output} for found in rows_of(shown, order)]


def _text(value: object) -> str:
    return "" if value is None else str(value)
