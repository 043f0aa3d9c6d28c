"""A restricted plan as SQL text: pure, and closed.

Promises that the text is made of templates of this file, of identifiers that are lower-case words, of integers and of dates that
this file wrote; a code that the researcher named travels as a parameter, a category as its number, an alias not at all. So no
text from outside reaches the engine. Never reads a record.

Opt-outs of a table with one row per person: everybody is counted and the people who objected are counted again and subtracted,
from a copy of their rows that the engine makes when it opens a snapshot (``left_out_…``). Both are integer counts of the same
predicate, so the difference is exactly the count of everybody else. Measured at 1,000,000 persons, 2 % of them objecting, one
thread, median of 40, ms (`python -m tests.benchmarks.bench_vault`):

    count by region, nobody left out    4.2      NOT EXISTS / anti-join      13.2
    **everybody - objecting**           4.6      NOT IN                      14.2
    everybody - semi-join               8.7      bit of a bit string         10.3
    a rewritten copy of the records     4.3      (memory for everybody, where this holds 2 % of them)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from tre.plan.nodes import And, Column, Compare, Constant, Filter, IsNull, Not, OneOf, Or, Plan, Predicate, Scalar, Scan
from tre.vault.cells import EPOCH

_WORD = re.compile(r"[a-z_][a-z0-9_]{0,62}\Z")


class NotCompiled(Exception):
    """A plan that this engine has no template for. Depends on the plan alone."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL text, its parameters (lists of codes), and the tables it scans."""

    sql: str
    parameters: tuple[tuple[str, ...], ...]
    table: str


@dataclass(slots=True)
class _Text:
    """What is gathered beside the text, and the table whose columns it may name."""

    table: str
    parameters: list[tuple[str, ...]] = field(default_factory=list)

    def column(self, column: Column) -> str:
        if column.table != self.table:
            raise NotCompiled("a column of another table")
        return f"t.{word(column.name)}"

    def parameter(self, codes: tuple[str, ...]) -> str:
        self.parameters.append(codes)
        return f"${len(self.parameters)}"


def word(name: str) -> str:
    """An identifier: a lower-case word, in double quotes."""
    if not _WORD.match(name):
        raise NotCompiled("a name that is not a lower-case word")
    return f'"{name}"'


def compile(plan: Plan) -> Statement:
    """The text that counts, for every group that exists, the people who did not object. Groups come as stored values, one column
    a key in the plan's order, then the count."""
    scan, predicates = _unfold(plan)
    text = _Text(scan.table)
    keys = [text.column(key.column) for key in plan.keys]
    where = " AND ".join(_predicate(part, text) for part in predicates)
    everybody = _count("count(*)", f"records.{word(scan.table)}", keys, where)
    objecting = _count("-count(*)", left_out(scan.table), keys, where)
    names = [f"k{place}" for place in range(len(keys))]
    columns = ", ".join([*names, "CAST(sum(n) AS BIGINT)"])
    groups = f" GROUP BY {', '.join(names)}" if names else ""
    sql = f"SELECT {columns} FROM ({everybody} UNION ALL {objecting}){groups}"
    return Statement(sql, tuple(text.parameters), scan.table)


def left_out(table: str) -> str:
    """Where the engine keeps the rows of the people who objected."""
    return f"temp.{word('left_out_' + table)}"


def _unfold(plan: Plan) -> tuple[Scan, list[Predicate]]:
    """The scan and the filters above it. One row per person is what makes a row a person, and the subtraction above exact."""
    predicates, relation = [], plan.relation
    while isinstance(relation, Filter):
        predicates.append(relation.predicate)
        relation = relation.relation
    if not isinstance(relation, Scan) or relation.row_cap != 1:
        raise NotCompiled("only tables with one row per person")
    if any(statistic.kind != "count" for statistic in plan.statistics):
        raise NotCompiled("only counts")
    return relation, predicates[::-1]


def _count(count: str, source: str, keys: Sequence[str], where: str) -> str:
    columns = [f"{key} AS k{place}" for place, key in enumerate(keys)]
    groups = ", ".join(str(place) for place in range(1, len(keys) + 1))
    return (
        f"SELECT {', '.join([*columns, f'{count} AS n'])} FROM {source} AS t"
        + (f" WHERE {where}" if where else "")
        + (f" GROUP BY {groups}" if groups else "")
    )


def _predicate(node: Predicate, text: _Text) -> str:
    """The text of a predicate, in brackets wherever it has parts; true, false and unknown as SQL has them."""
    match node:
        case And(parts):
            return "(" + " AND ".join(_predicate(part, text) for part in parts) + ")"
        case Or(parts):
            return "(" + " OR ".join(_predicate(part, text) for part in parts) + ")"
        case Not(part):
            return f"(NOT {_predicate(part, text)})"
        case Constant(value):
            return "true" if value else "false"
        case IsNull(column):
            return f"({text.column(column)} IS NULL)"
        case Compare(operator, column, literal):
            return f"({text.column(column)} {operator} {_literal(column, literal, text)})"
        case OneOf(column, literals):
            return f"({text.column(column)} IN ({_literals(column, literals, text)}))"
    raise NotCompiled("a predicate without a template")


def _literal(column: Column, literal: Scalar, text: _Text) -> str:
    if column.domain.kind == "code":
        return f"coalesce((SELECT max(c.id) {_dictionary(column, (literal,), text)}), -1)"
    return _number(column, literal)


def _literals(column: Column, literals: tuple[Scalar, ...], text: _Text) -> str:
    """A code that is in no record has the number -1, so the list is never empty and an unknown column stays unknown."""
    if column.domain.kind == "code":
        return f"SELECT c.id {_dictionary(column, literals, text)} UNION ALL SELECT -1"
    return ", ".join(dict.fromkeys(_number(column, literal) for literal in literals))


def _dictionary(column: Column, codes: tuple[Scalar, ...], text: _Text) -> str:
    place = text.parameter(tuple(str(code) for code in codes))
    source = word(f"codes_{column.table}_{column.name}")
    return f"FROM records.{source} AS c WHERE c.code IN (SELECT unnest(CAST({place} AS VARCHAR[])))"


def _number(column: Column, literal: Scalar) -> str:
    """A literal as the store holds it. One outside the column's range is drawn to the step beside the range, where it compares
    with every value of the column as before, so that no literal overflows a stored type."""
    domain = column.domain
    if domain.kind == "category":
        return str(domain.values.index(str(literal)))
    if type(literal) is not int:
        raise NotCompiled("a literal of another type than its column")
    assert domain.low is not None and domain.high is not None
    step = min(max(literal, domain.low - 1), domain.high + 1)
    return f"DATE '{(EPOCH + timedelta(days=step)).isoformat()}'" if domain.kind == "date" else str(step)
