"""Whether a plan speaks only of what a catalogue offers: the check on what comes back from the reader, which reads what strangers
write.

Promises that every node of an admitted plan is one of the closed set with fields of its types; that each column of a table is the
catalogue's with its own domain (or NULL too, above an outer join); scans have the catalogue's caps; keys are public or discovered
as offered; groups and rows of one person are within the stated limits; and names are ones that a statement can carry.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tre.plan.nodes import (
    NAME,
    Column,
    Derived,
    Filter,
    Grouped,
    Join,
    Key,
    Node,
    OneOf,
    Plan,
    Relate,
    Relation,
    Scan,
    SemiJoin,
    Value,
    rows_per_person,
)
from tre.plan.offered import COARSE, DISCOVERED, PUBLIC, Defined, TableOffer, code_origin, definitions, key_status

ROWS_OF_A_PERSON = 10**8  # of a join: the product of the tables' row caps
CODES_IN_A_PLAN = 50_000
LARGEST_TEXT = 120


@dataclasses.dataclass(frozen=True)
class Terms:
    """What of a catalogue is asked here."""

    dataset: str
    person: str
    max_rows_out: int
    tables: Mapping[str, TableOffer]


def admits(terms: Terms, plan: Plan) -> bool:
    """Whether a plan speaks only of what is offered, as it is offered."""
    if type(plan) is not Plan or not _typed(plan) or plan.dataset != terms.dataset:
        return False
    labels = list(_labels(plan.relation))
    if len({label.lower() for label in labels}) != len(labels) or not all(map(NAME.fullmatch, labels)):
        return False
    if not _relation(plan.relation, terms):
        return False
    defined = definitions(plan.relation)
    below = _nullable(plan.relation)
    read = [*(key.column for key in plan.keys), *(one.value for one in plan.statistics if one.value is not None)]
    whole = all(_columns(part, below, defined, terms) for part in read) and codes_in(plan) <= CODES_IN_A_PLAN and _plain(plan)
    keyed = whole and all(_keyed(key, defined, terms) for key in plan.keys)
    return keyed and plan.cells <= terms.max_rows_out


def _keyed(key: Key, defined: Defined, terms: Terms) -> bool:
    status, size = key_status(key.column, defined, terms.tables), key.column.domain.size
    return key.discovered == is_discovered(status, size, terms.max_rows_out) and status in (PUBLIC, COARSE, DISCOVERED)


def is_discovered(status: str | None, size: int | None, most: int) -> bool:
    """Whether a key's groups are found in the records: codes are, and values that the policy has keys for but are too many."""
    return status == DISCOVERED or (status == PUBLIC and size is not None and size > most)


# ------------------------------------------------------------------------------------------------------------------ relations
def _relation(relation: Relation, terms: Terms) -> bool:
    """Whether a relation is offered, and each below it."""
    match relation:
        case Scan(table, row_cap, max_rows, max_groups):
            offer = terms.tables.get(table)
            caps = offer and (offer.row_cap, offer.max_rows, offer.max_groups)
            return caps == (row_cap, max_rows, max_groups)
        case Filter(below, predicate):
            return _relation(below, terms) and _reads(predicate, below, terms)
        case Join(left, right):
            return _relation(left, terms) and _relation(right, terms) and rows_per_person(relation) <= ROWS_OF_A_PERSON
        case SemiJoin(left, right, condition):
            few = condition is None or rows_per_person(left) * rows_per_person(right) <= ROWS_OF_A_PERSON
            both = _relation(left, terms) and _relation(right, terms)
            return few and both and (condition is None or _reads(condition, left, terms, right))
        case Grouped(below, by=by, values=values):
            parts = [*(one.value for one in by), *(part for one in values for part in (one.value, one.at) if part is not None)]
            names = [*(one.name for one in by), *(one.name for one in values)]
            return _relation(below, terms) and _named(names, terms) and all(_reads(part, below, terms) for part in parts)
        case Derived(below, columns=columns):
            named = _named([one.name for one in columns], terms)
            return _relation(below, terms) and named and all(_reads(one.value, below, terms) for one in columns)
    return False


def _named(names: list[str], terms: Terms) -> bool:
    """Names of a sub-query's columns: fit, once each whatever the case, and not the person's."""
    known = {name.lower() for name in names}
    return len(known) == len(names) and terms.person.lower() not in known and all(map(NAME.fullmatch, names))


def _reads(node: Node, below: Relation, terms: Terms, beside: Relation | None = None) -> bool:
    nullable, defined = _nullable(below), definitions(below)
    if beside is not None:
        nullable, defined = nullable | _nullable(beside), defined | definitions(beside)
    return _columns(node, nullable, defined, terms)


def _columns(node: Node, nullable: Mapping[str, bool], defined: Defined, terms: Terms) -> bool:
    """Whether the columns of a node are of labels that can be read there, each with its domain; codes of one dictionary."""
    for each in _nodes(node):
        if isinstance(each, Column) and not _column(each, nullable, defined, terms):
            return False
        if isinstance(each, Relate) and each.left.domain.kind == "code":
            origins = {code_origin(each.left, defined), code_origin(each.right, defined)}
            if len(origins) != 1 or None in origins:
                return False
        if isinstance(each, Relation):
            return False
    return True


def _column(column: Column, nullable: Mapping[str, bool], defined: Defined, terms: Terms) -> bool:
    if column.table not in nullable:
        return False
    definition = defined[column.table]
    if not isinstance(definition, str):
        return column.name in definition  # its domain was checked when the node was made
    offer = terms.tables[definition].columns.get(column.name)
    return offer is not None and column.domain == offer.domain.or_null(nullable[column.table])


def _nullable(relation: Relation) -> dict[str, bool]:
    """The labels that can be read above a relation, and whether an outer join made their columns NULL too."""
    match relation:
        case Filter(relation=below) | SemiJoin(left=below):
            return _nullable(below)
        case Join(left, right, outer):
            return _nullable(left) | {label: outer or null for label, null in _nullable(right).items()}
        case Scan(label=label) | Grouped(label=label) | Derived(label=label):
            return {label: False}
    raise TypeError("no such relation")


def _labels(relation: Relation) -> Iterator[str]:
    match relation:
        case Filter(relation=below):
            yield from _labels(below)
        case Join(left, right) | SemiJoin(left, right):
            yield from _labels(left)
            yield from _labels(right)
        case Grouped(relation=below, label=label) | Derived(relation=below, label=label):
            yield label
            yield from _labels(below)
        case Scan(label=label):
            yield label


# ---------------------------------------------------------------------------------------------------------------------- types
def _nodes(node: Any) -> Iterator[Node]:
    """A node and all inside it."""
    if isinstance(node, Node):
        yield node
        for name in node.__slots__:  # type: ignore[attr-defined]
            yield from _nodes(getattr(node, name))
    elif isinstance(node, tuple):
        for part in node:
            yield from _nodes(part)


def _plain(plan: Plan) -> bool:
    """Whether the texts that the question made itself are short and can be printed."""
    texts = (text for node in _nodes(plan) if isinstance(node, Value) for text in node.domain.values)
    return all(0 < len(text) <= LARGEST_TEXT and text.isprintable() for text in texts)


def codes_in(plan: Plan) -> int:
    """How many values a plan's conditions list."""
    return sum(len(node.literals) for node in _nodes(plan) if isinstance(node, OneOf))


def _typed(node: Node) -> bool:
    """Whether every field of a node, and of those inside it, is of its type."""
    kind: Any = type(node)
    return all(_fits(getattr(node, name), hint) for name, hint in _hints(kind).items())


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return {
        name: hint for name, hint in typing.get_type_hints(kind).items() if name in {at.name for at in dataclasses.fields(kind)}
    }


def _fits(value: Any, hint: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in typing.get_args(hint))
    if origin is tuple:
        inner = typing.get_args(hint)
        many = len(inner) == 2 and inner[1] is Ellipsis
        return type(value) is tuple and many and all(_fits(part, inner[0]) for part in value)
    if origin is typing.Literal:
        return type(value) is str and value in typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, Node):
        return isinstance(value, hint) and _typed(value)
    return type(value) is hint
