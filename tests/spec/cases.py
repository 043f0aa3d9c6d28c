"""Reads a case: a sentence, a small table, a question, the exact answer. Columns are parted by `|`; an empty cell is NULL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.vault.building import DOMAINS, Row, row
from tre.plan.nodes import Domain, days

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    rows: list[Row]
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
        if colon and head in ("people", "objected", "codes", "question", "answer"):
            place, line = head, rest
            parts[place] = []
        if line.strip():
            parts[place].append(line.strip())
    codes = tuple(parts.get("codes", [""])[0].split())
    return Case(
        rows=[_person(values) for values in _table(parts["people"])],
        objected=[int(number) for number in " ".join(parts.get("objected", [])).split()],
        codelists={"listed": codes} if codes else {},
        question=" ".join(parts["question"]),
        answer=_table(parts["answer"]),
    )


def _table(lines: list[str]) -> list[dict[str, str]]:
    head, *body = [[cell.strip() for cell in line.split("|")] for line in lines]
    assert all(len(cells) == len(head) for cells in body), lines
    return [dict(zip(head, cells, strict=True)) for cells in body]


def _person(cells: Mapping[str, str]) -> Row:
    values = {name: _value(DOMAINS[name], text) for name, text in cells.items() if name != "person"}
    return row(int(cells["person"]), **values)


def _value(domain: Domain, text: str) -> Any:
    if text == "":
        return None
    if domain.kind == "date":
        return days(text)
    if domain.kind == "decimal":
        return round(float(text) / float(domain.grid))
    return int(text) if domain.kind == "integer" else text
