"""A second opinion on conditions: three-valued logic in twenty lines, random rows, random conditions, and their text."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal

from tests.plan.offers import SMALL
from tests.plan.values import Row, truth
from tre.plan.nodes import (
    BOOLEAN,
    COMPARISONS,
    And,
    Branch,
    Case,
    Column,
    Compare,
    Condition,
    Constant,
    Filter,
    Holds,
    IsNull,
    Not,
    OneOf,
    Or,
    Predicate,
    Prefix,
    Relate,
    Relation,
    Scalar,
)

OFFERS = SMALL.tables["people"].columns
PLACES = ("A1", "B2", "C3", "D4")


def kept(relation: Relation, row: Row) -> bool:
    """Whether a row passes every filter."""
    while isinstance(relation, Filter):
        if truth(relation.predicate, row) is not True:
            return False
        relation = relation.relation
    return True


def random_row(dice: random.Random) -> Row:
    return {name: random_value(name, dice, inside=True) for name in OFFERS}


def random_value(name: str, dice: random.Random, inside: bool) -> Scalar:
    """A value of a column; NULL only where it may be, and outside the range only where asked."""
    domain = OFFERS[name].domain
    if inside and domain.nullable and dice.random() < 0.25:
        return None
    if domain.kind == "category":
        return dice.choice(domain.values)
    if domain.kind == "code":
        return dice.choice(PLACES)
    assert domain.low is not None and domain.high is not None
    reach = 0 if inside else 3
    return dice.randint(domain.low - reach, domain.high + reach)


def column(name: str) -> Column:
    return Column("people", name, OFFERS[name].domain)


def random_predicate(dice: random.Random, depth: int, related: bool = False) -> Predicate:
    """``related``: two columns, prefixes and truths too."""
    if depth and dice.random() < 0.7:
        if dice.random() < 0.3:
            return Not(random_predicate(dice, depth - 1, related))
        parts = tuple(random_predicate(dice, depth - 1, related) for _ in range(dice.randint(2, 3)))
        return And(parts) if dice.random() < 0.5 else Or(parts)
    name = dice.choice(list(OFFERS))
    kind = dice.random()
    if kind < 0.05:
        return Constant(dice.random() < 0.5)
    if kind < 0.2:
        return IsNull(column(name))
    if related and kind < 0.3:
        return random_relation(dice)
    if kind < 0.4:
        values = {random_value(name, dice, inside=False) for _ in range(dice.randint(1, 4))}
        return OneOf(column(name), tuple(sorted(values)))  # type: ignore[type-var]
    operators = COMPARISONS if OFFERS[name].domain.kind not in ("category", "code") else COMPARISONS[:2]
    return Compare(dice.choice(operators), column(name), random_value(name, dice, inside=False))


def random_relation(dice: random.Random) -> Predicate:
    """Two columns, the beginning of a code, or a truth."""
    kind = dice.random()
    if kind < 0.3:
        return Prefix(column("place"), dice.choice(["A", "B2", "Z"]))
    if kind < 0.5:
        return Holds(Case((Branch(Compare("=", column("shape"), "flat"), Condition(Constant(True))),), NEVER, BOOLEAN))
    left, right = dice.sample(["age", "height"], 2)
    return Relate(dice.choice(COMPARISONS), column(left), column(right))


NEVER = Condition(Compare("=", column("age"), -1))


# ---------------------------------------------------------------------------------------------------------------------- text
_SIGNS = {"=": ["=", "=="], "<>": ["<>", "!="]}
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}


def written_value(name: str, value: Scalar, dice: random.Random) -> str:
    kind = OFFERS[name].domain.kind
    if kind == "date":
        assert isinstance(value, int)
        day = f"'{date(1970, 1, 1) + timedelta(days=value)}'"
        return dice.choice([day, f"DATE {day}", f"date{day}"])
    if kind == "decimal":
        assert isinstance(value, int)
        return str(value * Decimal("0.1"))
    return str(value) if isinstance(value, int) else f"'{value}'"


def spelled(word: str, dice: random.Random) -> str:
    return dice.choice([word, word.lower(), word.capitalize()])


def written(node: Predicate, dice: random.Random) -> str:
    """One of the ways to write a condition; brackets only where they are needed, or by chance."""
    text = _written(node, dice)
    return f"({text})" if isinstance(node, And | Or) or dice.random() < 0.15 else text


def _written(node: Predicate, dice: random.Random) -> str:
    if isinstance(node, Constant):
        return spelled(str(node.value).upper(), dice)
    if isinstance(node, Not):
        return f"{spelled('NOT', dice)} {written(node.part, dice)}"
    if isinstance(node, And | Or):
        return f" {spelled('AND' if isinstance(node, And) else 'OR', dice)} ".join(written(part, dice) for part in node.parts)
    if isinstance(node, Holds):
        return "CASE WHEN shape = 'flat' THEN TRUE ELSE age = -1 END"
    if isinstance(node, Relate):
        assert isinstance(node.left, Column) and isinstance(node.right, Column)
        return f"{node.left.name} {node.operator} p.{node.right.name}"
    assert isinstance(node, IsNull | OneOf | Compare | Prefix) and isinstance(node.column, Column)
    name = node.column.name
    shown = dice.choice([name, name.upper(), f'"{name}"', f"p.{name}"])
    if isinstance(node, IsNull):
        return f"{shown} {spelled('IS', dice)} {spelled('NULL', dice)}"
    if isinstance(node, Prefix):
        return f"{shown} {spelled('LIKE', dice)} '{node.text}%'"
    if isinstance(node, OneOf):
        return f"{shown} {spelled('IN', dice)} ({', '.join(written_value(name, value, dice) for value in node.literals)})"
    value = written_value(name, node.literal, dice)
    if dice.random() < 0.3:
        return f"{value} {dice.choice(_SIGNS.get(_TURNED[node.operator], [_TURNED[node.operator]]))} {shown}"
    sign = dice.choice(_SIGNS.get(node.operator, [node.operator]))
    gap = " " if value.startswith("-") else dice.choice(["", " "])
    return f"{shown}{gap}{sign}{gap}{value}"
