"""GROUP BY → `Key`s and grouping sets.

Promises that the keys of SELECT are those of GROUP BY, that each is public or may be discovered, and that the groups are no more
than an answer has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.admission import is_discovered
from tre.plan.hints import listed, not_offered, not_understood, quoted
from tre.plan.nodes import Column, Expression, Key
from tre.plan.offered import key_status
from tre.plan.parse.scalar import expression, is_aggregate
from tre.plan.parse.scope import Scope
from tre.plan.parse.tree import bare, level, name_of, only
from tre.plan.words import SHAPE

MOST_SETS = 64
MOST_IN_A_CUBE = 6


@dataclass(frozen=True)
class Asked:
    """One item of SELECT under its name in the answer: a key, or None for a number."""

    alias: str
    given: bool
    key: Expression | None


Set = tuple[int, ...]


def grouping_sets(node: exp.Expression | None, asked: Sequence[Asked], scope: Scope) -> tuple[list[Expression], tuple[Set, ...]]:
    """The keys of GROUP BY, and its sets as places among the keys of SELECT, the finest first."""
    keys = [item.key for item in asked if item.key is not None]
    if node is None:
        return [], ()
    if node.args.get("all"):
        raise not_offered(
            "GROUP BY ALL is not offered.", f"Name the keys: GROUP BY {', '.join(str(at) for at in range(1, len(keys) + 1))}."
        )
    only(node, "expressions")
    if not node.expressions:
        raise not_understood("GROUP BY names no key.", SHAPE)
    named: list[Expression] = []
    parts = [_alternatives(bare(part), asked, scope, named) for part in node.expressions]
    _check_same(asked, named)
    found = [tuple(sorted({keys.index(key) for one in chosen for key in one})) for chosen in product(*parts)]
    sets = sorted(dict.fromkeys(found), key=lambda one: -len(one))
    if len(sets) > MOST_SETS or not all(set(one) <= set(sets[0]) for one in sets):
        raise not_offered(
            f"There are {len(sets)} grouping sets, or none that has the keys of all others.",
            f"Ask at most {MOST_SETS}, the finest among them, or ask each in its own question.",
        )
    return named, tuple(sets)


def _alternatives(
    node: exp.Expression, asked: Sequence[Asked], scope: Scope, named: list[Expression]
) -> list[tuple[Expression, ...]]:
    """The sets of one element of GROUP BY."""
    if type(node) not in (exp.Rollup, exp.Cube, exp.GroupingSets):
        return [_keys(node, asked, scope, named)]
    only(node, "expressions")
    parts = [_keys(bare(part), asked, scope, named) for part in node.expressions]
    if type(node) is exp.GroupingSets:
        return parts
    if type(node) is exp.Rollup:
        return [_flat(parts[:end]) for end in range(len(parts), -1, -1)]
    if len(parts) > MOST_IN_A_CUBE:
        raise not_offered(
            f"CUBE of more than {MOST_IN_A_CUBE} keys is not offered.", "Name the sets: GROUPING SETS ((a, b), (a), ())."
        )
    return [_flat(some) for size in range(len(parts), -1, -1) for some in combinations(parts, size)]


def _flat(parts: Sequence[tuple[Expression, ...]]) -> tuple[Expression, ...]:
    return tuple(key for part in parts for key in part)


def _keys(node: exp.Expression, asked: Sequence[Asked], scope: Scope, named: list[Expression]) -> tuple[Expression, ...]:
    """One key, or several in brackets."""
    if type(node) in (exp.Rollup, exp.Cube, exp.GroupingSets):
        raise not_offered("Grouping sets stand inside grouping sets.", "Name the sets: GROUPING SETS ((a, b), (a), ()).")
    if type(node) is exp.Tuple:
        only(node, "expressions")
        return _flat([_keys(bare(part), asked, scope, named) for part in node.expressions])
    key = _key(node, asked, scope)
    named.append(key)
    return (key,)


def _key(node: exp.Expression, asked: Sequence[Asked], scope: Scope) -> Expression:
    """By its place or alias in SELECT, or as it is; a column goes before an alias."""
    if type(node) is exp.Literal and not node.is_string:
        only(node, "this", "is_string")
        places = {str(at): item for at, item in enumerate(asked, 1)}
        if node.this not in places:
            raise not_offered(f"GROUP BY {quoted(node.this)} is no item of SELECT.", f"Items are 1 to {len(asked)}.")
        return _of_item(places[node.this])
    if type(node) is exp.Column and not node.args.get("table") and type(node.this) is not exp.Star:
        name = name_of(node.this).lower()
        columns = {own.lower() for one in scope.sources for own in one.columns}
        items = [item for item in asked if item.alias.lower() == name]
        if name not in columns and items:
            return _of_item(items[0])
    if any(is_aggregate(part) for part in level(node)):
        raise not_offered("A statistic stands in GROUP BY.", "Leave it out of GROUP BY.")
    return expression(node, scope)


def _of_item(item: Asked) -> Expression:
    if item.key is None:
        raise not_offered(f"{quoted(item.alias)} is a statistic, not a key.", "Leave it out of GROUP BY.")
    return item.key


def _check_same(asked: Sequence[Asked], named: Sequence[Expression]) -> None:
    """Each key of GROUP BY is in SELECT."""
    shown = [item.key for item in asked if item.key is not None]
    missing = [_called(key, asked) for key in named if key not in shown]
    if missing:
        raise not_offered(f"In GROUP BY and not in SELECT: {listed(missing)}.", f"Add {', '.join(missing)} to SELECT.")


def check_keys(asked: Sequence[Asked], named: Sequence[Expression], plain: bool) -> None:
    """Each key of SELECT once, and in GROUP BY; where there are no grouping sets, once there too."""
    shown = [item.key for item in asked if item.key is not None]
    for keys, clause in ((shown, "SELECT"), (list(named) if plain else [], "GROUP BY")):
        twice = [key for at, key in enumerate(keys) if key in keys[:at]]
        if twice:
            raise not_offered(f"`{_called(twice[0], asked)}` stands twice in {clause}.", "Name it once.")
    missing = [_called(key, asked) for key in shown if key not in named]
    if missing:
        names = [_called(key, asked) for key in shown]
        raise not_offered(f"In SELECT and not in GROUP BY: {listed(missing)}.", f"Add GROUP BY {', '.join(names)}.")


def _called(key: Expression, asked: Sequence[Asked]) -> str:
    if isinstance(key, Column):
        return key.name
    return next((item.alias for item in asked if item.key == key), "an expression")


def made_key(item: Asked, scope: Scope) -> Key:
    """The key of an item, public or discovered; refused where the policy has no keys for it."""
    assert item.key is not None
    catalogue, defined = scope.reading.catalogue, scope.reading.labels.defined
    status = key_status(item.key, defined, catalogue.tables)
    if status is None:
        name = item.key.name if isinstance(item.key, Column) else item.alias
        cut = {"date": f"year({name})", "integer": f"band({name}, 10)", "decimal": f"band({name}, 10)"}.get(item.key.domain.kind)
        told = f" Or group by {cut} or a CASE." if cut else ""
        raise not_offered(f"`{name}` is not a public key.", f"{scope.suggest_keys()}{told}")
    return Key(item.alias, item.key, is_discovered(status, item.key.domain.size, catalogue.max_rows_out))


def check_size(keys: Sequence[Key], cells: int, most: int) -> None:
    """Every group of the public key domains is in the answer, empty ones too: their number is known beforehand, and bounded."""
    if cells <= most:
        return
    sizes = " × ".join(f"`{_name(key)}` {key.column.domain.size or 0:,}" for key in keys)
    cut = next((key for key in keys if (key.column.domain.size or 0) > 100 and not isinstance(key.column, Column)), None)
    mend = "Leave out a key, or make one coarser: band(x, 10), year(date)."
    if cut is not None:
        mend = "Make it coarser or bound it: band(x, 10), clamp(x, 0, 10), year(date)."
    raise Refusal(Reason.KEYS_TOO_MANY, f"The keys make {cells:,} groups ({sizes}); an answer has {most:,} at most.", mend)


def _name(key: Key) -> str:
    return key.column.name if isinstance(key.column, Column) else key.alias
