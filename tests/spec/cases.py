"""Reads a case: a sentence, small tables, a question, the exact answer. Columns are parted by `|`; an empty cell is NULL.

Sections: `people`, `events` and `visits` are tables, `objected` persons, `codes` a list of the name `listed`, then `question` and
`answer`. Rows of events and visits stand in the random order that the store gives to the rows of one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.vault.building import TABLES, Row, Rows, event, row, visit
from tre.plan.nodes import Domain, days

FOLDER = Path(__file__).parent
SECTIONS = ("people", "events", "visits", "objected", "codes", "question", "answer")
NEW = {"patients": row, "events": event, "visits": visit}


@dataclass(frozen=True)
class Case:
    rows: list[Row]
    more: Rows
    objected: list[int]
    codelists: Mapping[str, tuple[str, ...]]
    question: str
    answer: list[dict[str, str]]


def read(file: Path) -> Case:
    """Sections begin with `name:` at the start of a line."""
    parts: dict[str, list[str]] = {"": []}
    place = ""
    for line in file.read_text().splitlines():
        head, colon, rest = line.partition(":")
        if colon and head in SECTIONS:
            place, line = head, rest
            parts[place] = []
        if line.strip():
            parts[place].append(line.strip())
    codes = tuple(parts.get("codes", [""])[0].split())
    return Case(
        rows=_rows("patients", parts["people"]),
        more={name: _rows(name, parts[name]) for name in ("events", "visits") if name in parts},
        objected=[int(number) for number in " ".join(parts.get("objected", [])).split()],
        codelists={"listed": codes} if codes else {},
        question=" ".join(parts["question"]),
        answer=_table(parts["answer"]),
    )


def _table(lines: list[str]) -> list[dict[str, str]]:
    head, *body = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert all(len(cells) == len(head) for cells in body), lines
    return [dict(zip(head, cells, strict=True)) for cells in body]


def _rows(table: str, lines: list[str]) -> list[Row]:
    return [_row(table, cells) for cells in _table(lines)]


def _row(table: str, cells: Mapping[str, str]) -> Row:
    values = {name: _value(TABLES[table].domains[name], text) for name, text in cells.items() if name != "person"}
    return NEW[table](int(cells["person"]), **values)


def _value(domain: Domain, text: str) -> Any:
    if text == "":
        return None
    if domain.kind == "date":
        return days(text)
    if domain.kind == "decimal":
        return round(float(text) / float(domain.grid))
    return int(text) if domain.kind == "integer" else text
