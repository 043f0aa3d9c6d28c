"""SELECT … FROM … WHERE … GROUP BY … → `Plan`: what is asked of which groups.

Promises that the keys of SELECT are those of GROUP BY, that each is public, and that the answer's names and size are fit. Keys
and statistics keep the order of SELECT: it is the order of the answer's columns and rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import listed, not_offered, not_understood, quoted
from tre.plan.nodes import NAME, Column, Filter, Key, Plan, Relation, Scan, Statistic, clashing
from tre.plan.offer import Catalogue
from tre.plan.parse.predicate import predicate
from tre.plan.parse.scope import Scope, scope
from tre.plan.parse.tree import SHAPE, bare, name_of, only, refused


@dataclass(frozen=True, slots=True)
class Asked:
    """One item of SELECT: a key (``column``) or a count (None)."""

    alias: str
    column: Column | None


def question(tree: exp.Expression, catalogue: Catalogue, codelists: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan of a SELECT."""
    if type(tree) is not exp.Select:
        raise refused(tree)
    if tree.args.get("distinct"):
        raise not_offered("SELECT DISTINCT is not offered.", "Groups are distinct already: use GROUP BY.")
    only(tree, "expressions", "from_", "where", "group")
    within = scope(tree.args.get("from_"), catalogue, codelists)
    asked = _named([_item(node, within) for node in tree.expressions])
    grouped = _grouped(tree.args.get("group"), asked, within)
    _check_keys(asked, grouped, within)
    keys = tuple(Key(item.alias, item.column) for item in asked if item.column)
    counts = tuple(Statistic(item.alias, "count") for item in asked if not item.column)
    _check_size(keys, catalogue.max_rows_out)
    relation = _relation(tree.args.get("where"), within)
    return Plan(catalogue.dataset, relation, keys, counts, tuple(item.alias for item in asked))


def _relation(where: exp.Expression | None, within: Scope) -> Relation:
    rows = Scan(within.table, within.offer.row_cap)
    if where is None:
        return rows
    only(where, "this")
    return Filter(rows, predicate(where.this, within))


# -------------------------------------------------------------------------------------------------------------------- SELECT
def _item(node: exp.Expression, within: Scope) -> Asked:
    """One item, with its alias or without (then ``""`` for a count, the column's name for a key)."""
    alias = ""
    if type(node) is exp.Alias:
        only(node, "this", "alias")
        alias, node = name_of(node.args["alias"]), node.this
    node = bare(node)
    if type(node) is exp.Column:
        column = within.column(node)
        return Asked(alias or column.name, _public(column, within))
    if type(node) is exp.Count:
        _check_count(node, within)
        return Asked(alias, None)
    if type(node) is exp.Star:
        raise not_offered("All columns at once are not offered.", within.suggest_keys())
    if type(node) in (exp.Literal, exp.Null, exp.Boolean, exp.Cast):
        raise not_offered("A value alone is not offered in SELECT.", SHAPE)
    raise refused(node)


def _public(column: Column, within: Scope) -> Column:
    """A column that may be a key, or the refusal that says which may."""
    keys = within.offer.columns[column.name].keys
    if keys == "public":
        return column
    told = (
        "is a key that is found in the records; such keys are not offered yet" if keys else "is not a key: it can stand in WHERE"
    )
    raise not_offered(f"`{column.name}` {told}.", within.suggest_keys())


def _check_count(node: exp.Count, within: Scope) -> None:
    """COUNT(*), COUNT(1), COUNT(person), COUNT(DISTINCT person): one number where a person has one row."""
    only(node, "this", "big_int")
    counted = node.this
    distinct = type(counted) is exp.Distinct
    if distinct:
        only(counted, "expressions")
        counted = counted.expressions[0] if len(counted.expressions) == 1 else None
    counted = bare(counted) if counted is not None else None
    if not distinct and counted is not None and type(counted) in (exp.Star, exp.Literal):
        only(counted, "this", "is_string")
        return
    if type(counted) is exp.Column:
        if type(counted.this) is not exp.Star and within.is_person(counted):
            return
        name = within.column(counted).name
        mend = f"Count the rows that have a value: COUNT(*) … WHERE {name} IS NOT NULL." if not distinct else "Use GROUP BY."
        raise Refusal(Reason.STATISTIC_NOT_OFFERED, f"COUNT of `{name}` is not offered yet.", mend)
    raise Refusal(
        Reason.STATISTIC_NOT_OFFERED, "This COUNT is not offered.", f"COUNT(*) or COUNT(DISTINCT {within.catalogue.person})."
    )


def _named(items: Sequence[Asked]) -> list[Asked]:
    """The items with a name each: `count`, `count_2` … where none was given."""
    taken = {item.alias.lower() for item in items if item.alias}
    named = []
    for item in items:
        alias, number = item.alias or "count", 1
        while not item.alias and alias in taken:
            number += 1
            alias = f"count_{number}"
        taken.add(alias.lower())
        named.append(Asked(alias, item.column))
    _check_names([item.alias for item in named], [item.alias for item in named if not item.column])
    return named


def _check_names(names: Sequence[str], counts: Sequence[str]) -> None:
    if not counts:
        raise not_offered("The question asks for no statistic.", "Add COUNT(*) AS n to SELECT.")
    odd = [name for name in names if not NAME.fullmatch(name)]
    twice = [name for at, name in enumerate(names) if name.lower() in {other.lower() for other in names[:at]}]
    own = clashing(names, counts)
    if odd:
        raise not_offered(f"{quoted(odd[0])} cannot name a column.", "Use letters, digits and _, 60 at most.")
    if twice:
        raise not_offered(f"Two columns of the answer are named {quoted(twice[0])}.", "Name one with AS.")
    if own:
        raise not_offered(f"{quoted(own[0])} is a column that each answer has.", "Choose another name.")


# ------------------------------------------------------------------------------------------------------------------ GROUP BY
def _grouped(node: exp.Expression | None, asked: Sequence[Asked], within: Scope) -> list[Column]:
    """The columns of GROUP BY, by name, alias or position in SELECT."""
    if node is None:
        return []
    only(node, "expressions")
    if not node.expressions:
        raise not_understood("GROUP BY names no key.", SHAPE)
    return [_group(bare(part), asked, within) for part in node.expressions]


def _group(node: exp.Expression, asked: Sequence[Asked], within: Scope) -> Column:
    if type(node) is exp.Column:
        named = [item for item in asked if item.alias.lower() == within.name(node).lower()]
        known = within.name(node).lower() in (name.lower() for name in within.offer.columns)
        if not known and not node.args.get("table") and named:
            return _key(named[0])
        return _public(within.column(node), within)
    if type(node) is exp.Literal and not node.is_string:
        only(node, "this", "is_string")
        places = {str(at): item for at, item in enumerate(asked, 1)}
        if node.this not in places:
            raise not_offered(f"GROUP BY {quoted(node.this)} is no item of SELECT.", f"Items are 1 to {len(asked)}.")
        return _key(places[node.this])
    raise refused(node)


def _key(item: Asked) -> Column:
    if item.column is None:
        raise not_offered(f"{quoted(item.alias)} is a statistic, not a key.", "Leave it out of GROUP BY.")
    return item.column


def _check_keys(asked: Sequence[Asked], grouped: Sequence[Column], within: Scope) -> None:
    """Each key once in SELECT, and once in GROUP BY."""
    shown, keys = [item.column.name for item in asked if item.column], [column.name for column in grouped]
    for names, clause in ((shown, "SELECT"), (keys, "GROUP BY")):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise not_offered(f"`{twice[0]}` stands twice in {clause}.", "Name it once.")
    if missing := [name for name in shown if name not in keys]:
        raise not_offered(f"In SELECT and not in GROUP BY: {listed(missing)}.", f"Add GROUP BY {', '.join(shown)}.")
    if missing := [name for name in keys if name not in shown]:
        raise not_offered(f"In GROUP BY and not in SELECT: {listed(missing)}.", f"Add {', '.join(missing)} to SELECT.")


def _check_size(keys: Sequence[Key], most: int) -> None:
    """Every group of the key domains is in the answer, empty ones too: their number is known beforehand, and bounded."""
    sizes = [key.column.domain.size or 0 for key in keys]
    cells = 1
    for size in sizes:
        cells *= size
    if cells > most:
        told = " × ".join(f"`{key.column.name}` {size:,}" for key, size in zip(keys, sizes, strict=True))
        raise Refusal(
            Reason.KEYS_TOO_MANY, f"The keys make {cells:,} groups ({told}); an answer has {most:,} at most.", "Leave out a key."
        )
