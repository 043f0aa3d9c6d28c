"""SELECT … FROM … WHERE … GROUP BY … HAVING … ORDER BY … LIMIT → `Plan`: what is asked of which groups.

Promises that the answer's names and size are fit. Keys and numbers keep the order of SELECT: it is the order of the answer's
columns and rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tre.errors import Refusal
from tre.plan.admission import CODES_IN_A_PLAN, codes_in
from tre.plan.hints import not_offered, not_understood, quoted, too_large
from tre.plan.nodes import NAME, Expression, Plan, clashing, rows_per_person
from tre.plan.offer import Catalogue
from tre.plan.parse.figures import Answer
from tre.plan.parse.keys import Asked, check_keys, check_size, grouping_sets, made_key
from tre.plan.parse.rows import rows
from tre.plan.parse.scalar import expression, is_aggregate
from tre.plan.parse.scope import Labels, Reading, Scope
from tre.plan.parse.statistics import Group
from tre.plan.parse.sub_query import sub_query
from tre.plan.parse.tree import bare, call_of, level, name_of, only, refused
from tre.plan.words import SHAPE

LARGEST_LIMIT = 1_000_000


@dataclass(frozen=True)
class _Item:
    """One item of SELECT as it is written; ``alias`` empty where it has none."""

    alias: str
    node: exp.Expression
    number: bool


def question(tree: exp.Expression, catalogue: Catalogue, codelists: Mapping[str, tuple[str, ...]]) -> Plan:
    """The plan of a SELECT."""
    if type(tree) is not exp.Select:
        raise refused(tree)
    if tree.args.get("distinct"):
        raise not_offered("SELECT DISTINCT is not offered.", "Groups are distinct already: use GROUP BY.")
    only(tree, "expressions", "from_", "joins", "where", "group", "having", "order", "limit", "with_")
    reading = Reading(catalogue, codelists, Labels(frozenset(name.lower() for name in catalogue.tables)), sub_query)
    found = rows(tree, reading)
    scope = found.scope
    items = [_item(node, scope) for node in tree.expressions]
    asked = _named(items, scope)
    named, sets = grouping_sets(tree.args.get("group"), asked, scope)
    plain = all(type(part) not in (exp.Rollup, exp.Cube, exp.GroupingSets) for part in _elements(tree))
    check_keys(asked, named, plain)
    keys = tuple(made_key(item, scope) for item in asked if item.key is not None)
    answer = Answer(Group(scope, rows_per_person(found.relation) == 1), [item.alias for item in asked])
    answer.keys = tuple(key.alias for key in keys)
    for item, one in zip(items, asked, strict=True):
        if item.number:
            answer.ask(one.alias, item.node)
    having = tree.args.get("having")
    names = [one.alias for one in asked]
    condition = None if having is None else answer.having(having.this)
    order = tree.args.get("order")
    sorts = () if order is None else answer.order(order, names, lambda node: _key_alias(node, asked, scope))
    plan = Plan(
        catalogue.dataset, found.relation, keys, tuple(answer.statistics), tuple(names),
        tuple(answer.figures), sets, condition, sorts, _limit(tree.args.get("limit")),
    )  # fmt: skip
    check_size(keys, plan.cells, catalogue.max_rows_out)
    if codes_in(plan) > CODES_IN_A_PLAN:
        raise too_large(f"The question lists more than {CODES_IN_A_PLAN:,} values.", "Name each code list once.")
    return plan


def _elements(tree: exp.Expression) -> list[exp.Expression]:
    group = tree.args.get("group")
    return [] if group is None else list(group.expressions)


# --------------------------------------------------------------------------------------------------------------------- SELECT
def _item(node: exp.Expression, scope: Scope) -> _Item:
    alias = ""
    if type(node) is exp.Alias:
        only(node, "this", "alias")
        alias, node = name_of(node.args["alias"]), node.this
    node = bare(node)
    if type(node) is exp.Star or (type(node) is exp.Column and type(node.this) is exp.Star):
        raise not_offered("All columns at once are not offered.", scope.suggest_keys())
    if type(node) in (exp.Literal, exp.Null, exp.Boolean, exp.Cast):
        raise not_offered("A value alone is not offered in SELECT.", SHAPE)
    return _Item(alias, node, any(is_aggregate(part) for part in level(node)))


def _named(items: Sequence[_Item], scope: Scope) -> list[Asked]:
    """The items with a name each: `count`, `count_2` … where none was given."""
    keys: list[Expression | None] = [None if item.number else expression(item.node, scope) for item in items]
    taken = {item.alias.lower() for item in items if item.alias}
    asked = []
    for item, key in zip(items, keys, strict=True):
        spelled = "" if item.number else scope.spelled(item.node)
        alias = item.alias or spelled
        plain, number = _default(item), 1
        while not alias or (not item.alias and not spelled and alias.lower() in taken):
            alias = plain if number == 1 else f"{plain}_{number}"
            number += 1
        taken.add(alias.lower())
        asked.append(Asked(alias, bool(item.alias), key))
    _check_names([item.alias for item in asked], [item.alias for item in asked if item.key is None])
    return asked


def _default(item: _Item) -> str:
    if not item.number:
        return "key"
    node = item.node
    while type(node) in (exp.Filter, exp.WithinGroup):
        node = bare(node.this)
    called = call_of(node) if is_aggregate(item.node) else None
    return called[0] if called else "figure"


def _check_names(names: Sequence[str], numbers: Sequence[str]) -> None:
    if not numbers:
        raise not_offered("The question asks for no statistic.", "Add COUNT(*) AS n to SELECT.")
    odd = [name for name in names if not NAME.fullmatch(name)]
    twice = [name for at, name in enumerate(names) if name.lower() in {other.lower() for other in names[:at]}]
    own = clashing(names, numbers)
    if odd:
        raise not_offered(f"{quoted(odd[0])} cannot name a column.", "Use letters, digits and _, 60 at most.")
    if twice:
        raise not_offered(f"Two columns of the answer are named {quoted(twice[0])}.", "Name one with AS.")
    if own:
        raise not_offered(f"{quoted(own[0])} is a column that each answer has.", "Choose another name.")


# ------------------------------------------------------------------------------------------------------------ ORDER BY, LIMIT
def _key_alias(node: exp.Expression, asked: Sequence[Asked], scope: Scope) -> str | None:
    """The key that ORDER BY names as an expression."""
    if any(is_aggregate(part) for part in level(node)):
        return None
    try:
        value = expression(node, scope)
    except Refusal:
        return None
    return next((item.alias for item in asked if item.key == value), None)


def _limit(node: exp.Expression | None) -> int | None:
    if node is None:
        return None
    only(node, "expression")
    amount = node.expression
    if type(amount) is not exp.Literal or amount.is_string or not str(amount.this).isdigit():
        raise not_understood("LIMIT is not a whole number.", "Write LIMIT 10.")
    if not 1 <= int(str(amount.this)[:12]) <= LARGEST_LIMIT:
        raise not_offered("LIMIT is below 1, or too large.", f"Write LIMIT 10; 1 to {LARGEST_LIMIT:,}.")
    return int(amount.this)
