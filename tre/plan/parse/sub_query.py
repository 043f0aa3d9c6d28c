"""A sub-query of FROM or of WITH → `Relation` and what can be read of it.

Promises that it carries the person, and that what it cuts, sorts or makes distinct is each person's own: all else is refused.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import not_offered, quoted
from tre.plan.nodes import NAME, Column, Expression, Filter, Grouped, Named, Relation, rows_per_person
from tre.plan.parse.grouping import Grouping
from tre.plan.parse.rows import rows
from tre.plan.parse.scalar import expression, is_aggregate
from tre.plan.parse.scope import Reading, Rows, Scope, Source
from tre.plan.parse.tree import bare, level, name_of, only, refused


class Item:
    """One item of a sub-query's SELECT."""

    def __init__(self, node: exp.Expression) -> None:
        self.alias = ""
        if type(node) is exp.Alias:
            only(node, "this", "alias")
            self.alias, node = name_of(node.args["alias"]), node.this
        self.node = bare(node)

    @property
    def aggregates(self) -> bool:
        return any(is_aggregate(node) for node in level(self.node))

    @property
    def name(self) -> str:
        """Its alias, or the name of the column it is."""
        if self.alias or type(self.node) is not exp.Column:
            return self.alias
        return "" if type(self.node.this) is exp.Star else name_of(self.node.this)


def sub_query(select: exp.Expression, reading: Reading, called: str) -> tuple[Relation, Source]:
    """The rows of a sub-query under the name that FROM gives it."""
    if type(select) is not exp.Select:
        raise refused(select)
    for part, word in (("limit", "LIMIT"), ("offset", "OFFSET"), ("order", "ORDER BY")):
        if select.args.get(part):
            raise Refusal(
                Reason.NOT_PERSON_SEPARABLE,
                f"{word} inside a sub-query compares the rows of different people.",
                "Leave it out; of one person's rows take ARG_MIN(x, date), ARG_MAX(x, date), MIN or MAX with GROUP BY person.",
            )
    only(select, "expressions", "from_", "joins", "where", "group", "having", "distinct", "with_")
    found = rows(select, reading)
    items = [Item(node) for node in select.expressions]
    grouped = select.args.get("group") is not None or any(item.aggregates for item in items) or select.args.get("having")
    if select.args.get("distinct"):
        if grouped:
            raise not_offered("DISTINCT stands beside GROUP BY.", "Groups are distinct already: leave DISTINCT out.")
        only(select.args["distinct"])
        return _distinct(items, found, called)
    return _grouped(select, items, found, called) if grouped else _plain(items, found, called)


# ---------------------------------------------------------------------------------------------------------------------- plain
def _plain(items: list[Item], found: Rows, called: str) -> tuple[Relation, Source]:
    """Rows as they are: what reads them reads what is below."""
    names: dict[str, Expression] = {}
    persons: list[str] = []
    for item in items:
        for name, value in _of_item(item, found.scope, persons):
            _add(names, name, value, found.scope)
    return found.relation, Source(called, _one_person(persons, found.scope), names)


def _of_item(item: Item, scope: Scope, persons: list[str]) -> list[tuple[str, Expression]]:
    star = type(item.node) is exp.Star or (type(item.node) is exp.Column and type(item.node.this) is exp.Star)
    if star:
        return _all(item.node, scope, persons)
    if scope.is_person(item.node):
        persons.append(_person_name(item, scope))
        return []
    return [(item.name, expression(item.node, scope))]


def _all(node: exp.Expression, scope: Scope, persons: list[str]) -> list[tuple[str, Expression]]:
    """``*`` or ``t.*``: every column, the person once."""
    only(node, "this", "table")
    qualifier = node.args.get("table")
    sources = [one for one in scope.sources if qualifier is None or one.called.lower() == name_of(qualifier).lower()]
    if not sources:
        raise not_offered(f"{quoted(name_of(qualifier))} is not a table of this sub-query.", "Write * or table.*.")
    persons += [one.person for one in sources if one.preserved][:1]
    return [(name, value) for one in sources for name, value in one.columns.items()]


def _person_name(item: Item, scope: Scope) -> str:
    source = scope.person(item.node)
    if source is None or not source.preserved:
        raise not_offered(
            "The sub-query selects the person of an outer join's right side, who may be absent.",
            "Select the person of the left side.",
        )
    return item.name


def _one_person(persons: list[str], scope: Scope) -> str:
    if not persons:
        raise Refusal(
            Reason.NOT_PERSON_SEPARABLE,
            "The sub-query does not carry the person, so its rows are nobody's.",
            f"Add {scope.reading.person} to its SELECT, and to its GROUP BY if it has one.",
        )
    if len(persons) > 1:
        raise not_offered("The sub-query selects the person twice.", "Select the person once.")
    return persons[0]


def _add(names: dict[str, Expression], name: str, value: Expression, scope: Scope) -> None:
    if not name:
        raise not_offered("A computed column of the sub-query has no name.", "Name it with AS.")
    if name.lower() in {other.lower() for other in names}:
        raise not_offered(f"Two columns of the sub-query are named {quoted(name)}.", "Name one with AS.")
    if not NAME.fullmatch(name) or name.lower() == scope.reading.person.lower():
        raise not_offered(f"{quoted(name)} cannot name a computed column.", "Use letters, digits and _, 60 at most.")
    names[name] = value


# -------------------------------------------------------------------------------------------------------------------- grouped
def _distinct(items: list[Item], found: Rows, called: str) -> tuple[Relation, Source]:
    """SELECT DISTINCT person, …: one row for each combination."""
    names: dict[str, Expression] = {}
    persons: list[str] = []
    for item in items:
        for name, value in _of_item(item, found.scope, persons):
            _add(names, name, value, found.scope)
    person = _one_person(persons, found.scope)
    by = tuple(Named(name, value) for name, value in names.items())
    label = found.scope.reading.labels.take(called or "distinct")
    grouping = Grouping(found.scope, label, rows_per_person(found.relation), by)
    return (
        Grouped(found.relation, label, by, grouping.finished()),
        Source(called, person, {name: Column(label, one.name, one.domain) for name, one in zip(names, by, strict=True)}),
    )


def _grouped(select: exp.Expression, items: list[Item], found: Rows, called: str) -> tuple[Relation, Source]:
    by = _by(select.args.get("group"), items, found.scope)
    label = found.scope.reading.labels.take(called or "grouped")
    grouping = Grouping(found.scope, label, rows_per_person(found.relation), by)
    names: dict[str, Expression] = {}
    persons: list[str] = []
    for item in items:
        if found.scope.is_person(item.node):
            persons.append(_person_name(item, found.scope))
        else:
            name = item.name or _default(item, names)
            _add(names, name, grouping.value(item.node, name if is_aggregate(item.node) else None), found.scope)
    person = _one_person(persons, found.scope)
    having = select.args.get("having")
    condition = None
    if having is not None:
        only(having, "this")
        condition = grouping.condition(having.this, names)
    relation: Relation = Grouped(found.relation, label, by, grouping.finished())
    return (relation if condition is None else Filter(relation, condition)), Source(called, person, names)


def _default(item: Item, names: Mapping[str, Expression]) -> str:
    """The name of an item without one: its function's."""
    if not is_aggregate(item.node):
        return ""
    calls = (node for node in level(item.node) if type(node) is exp.Anonymous)
    plain = name = next((str(call.this).lower() for call in calls), "")
    number = 1
    while name in {other.lower() for other in names}:
        number += 1
        name = f"{plain}_{number}"
    return name


def _by(group: exp.Expression | None, items: list[Item], scope: Scope) -> tuple[Named, ...]:
    """What is grouped by beside the person, who must be among it."""
    mend = f"Write GROUP BY {scope.reading.person}, and add {scope.reading.person} to SELECT."
    if group is None:
        raise Refusal(Reason.NOT_PERSON_SEPARABLE, "The sub-query computes of the rows of different people.", mend)
    only(group, "expressions")
    persons, names = 0, dict[str, Expression]()
    for node in map(bare, group.expressions):
        item = _item_of(node, items, scope)
        named = item.node if item else node
        if scope.is_person(named):
            _person_name(Item(named), scope)
            persons += 1
            continue
        if any(is_aggregate(part) for part in level(named)):
            raise not_offered("GROUP BY of a sub-query names something computed.", "Group by columns, and filter with HAVING.")
        value = expression(named, scope)
        if value not in names.values():
            _add(names, (item.name if item else Item(named).name) or f"key_{len(names) + 1}", value, scope)
    if not persons:
        raise Refusal(Reason.NOT_PERSON_SEPARABLE, "The sub-query groups the rows of different people together.", mend)
    return tuple(Named(name, value) for name, value in names.items())


def _item_of(node: exp.Expression, items: list[Item], scope: Scope) -> Item | None:
    """The item that GROUP BY names by its place or its alias; a column goes first."""
    if type(node) is exp.Literal and not node.is_string:
        only(node, "this", "is_string")
        places = {str(at): item for at, item in enumerate(items, 1)}
        if node.this not in places:
            raise not_offered(f"GROUP BY {quoted(node.this)} is no item of SELECT.", f"Items are 1 to {len(items)}.")
        return places[node.this]
    if type(node) is not exp.Column or node.args.get("table") or type(node.this) is exp.Star:
        return None
    name = name_of(node.this).lower()
    if any(name in (own.lower() for own in (*one.columns, one.person)) for one in scope.sources):
        return None
    return next((item for item in items if item.alias.lower() == name), None)
