"""Questions inside WHERE: EXISTS and IN → `SemiJoin`; one value of each person → a `Grouped` to be joined.

Promises that each is of the same person as the question around it; one that is not is refused with what to add.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.admission import ROWS_OF_A_PERSON
from tre.plan.hints import not_offered, quoted, too_large
from tre.plan.nodes import (
    And,
    Column,
    Expression,
    Grouped,
    Predicate,
    Relation,
    SemiJoin,
    rows_per_person,
)
from tre.plan.parse.cases import first_known
from tre.plan.parse.grouping import Grouping
from tre.plan.parse.literal import number
from tre.plan.parse.scalar import expression, is_aggregate, related
from tre.plan.parse.scope import Reading, Rows, Scope
from tre.plan.parse.tree import bare, level, only, refused
from tre.plan.words import CTE_MEND

Read = Callable[[exp.Expression, Reading, Scope | None], Rows]


def is_question(node: exp.Expression) -> bool:
    """Whether a condition is EXISTS or IN (SELECT …), or its negation."""
    node, _ = _negated(node)
    return type(node) is exp.Exists or (type(node) is exp.In and node.args.get("query") is not None)


def _negated(node: exp.Expression) -> tuple[exp.Expression, bool]:
    negated, node = False, bare(node)
    while type(node) is exp.Not:
        only(node, "this")
        negated, node = not negated, bare(node.this)
    return node, negated


def semi_join(node: exp.Expression, left: Relation, scope: Scope, read: Read) -> Relation:
    """The rows whose person has, or has not, a row inside."""
    node, anti = _negated(node)
    right, across = _exists(node, scope, read) if type(node) is exp.Exists else _in(node, anti, scope, read)
    if across and rows_per_person(left) * rows_per_person(right) > ROWS_OF_A_PERSON:
        raise too_large("The question inside compares too many rows of one person.", CTE_MEND)
    condition = None if not across else across[0] if len(across) == 1 else And(across)
    try:
        return SemiJoin(left, right, condition, anti)
    except ValueError:
        raise not_offered("A question inside reads a question two levels around it.", CTE_MEND) from None


def _exists(node: exp.Expression, scope: Scope, read: Read) -> tuple[Relation, tuple[Predicate, ...]]:
    only(node, "this")
    select = _plain(node.this, "EXISTS")
    found = read(select, scope.reading, scope)
    if not found.linked:
        raise _not_linked(found, scope)
    return found.relation, found.across


def _in(node: exp.Expression, anti: bool, scope: Scope, read: Read) -> tuple[Relation, tuple[Predicate, ...]]:
    only(node, "this", "query")
    left, query = bare(node.this), node.args["query"]
    only(query, "this")
    source = scope.person(left)
    if source is not None and not source.preserved:
        raise not_offered("The person of an outer join's right side may be absent.", "Name the person of the left side.")
    if source is not None:
        return _persons(query.this, scope, read)
    if anti:
        raise not_offered("NOT IN (SELECT …) of a value is not offered.", "Write NOT EXISTS (SELECT 1 FROM … WHERE …).")
    select = _plain(query.this, "IN")
    found = read(select, scope.reading, scope)
    if not found.linked:
        raise _not_linked(found, scope)
    if len(select.expressions) != 1:
        raise not_offered("IN (SELECT …) selects one value.", "Select the value alone.")
    item = select.expressions[0]
    inner = item.this if type(item) is exp.Alias else item
    equal = related("=", expression(left, scope), expression(inner, found.scope), scope)
    return found.relation, (*found.across, equal)


def _persons(select: exp.Expression, scope: Scope, read: Read) -> tuple[Relation, tuple[Predicate, ...]]:
    """person IN (SELECT person …): of one person by itself, linked or not."""
    mend = "Select the person alone: IN (SELECT person FROM … WHERE …)."
    if type(select) is not exp.Select or len(select.expressions) != 1:
        raise not_offered("IN (SELECT …) selects something else than the person.", mend)
    if any(select.args.get(part) for part in ("group", "having", "distinct")):
        relation, source = scope.reading.sub_query(select, scope.reading, "persons")
        if source.columns:
            raise not_offered("IN (SELECT …) selects something else than the person.", mend)
        return relation, ()
    found = read(_plain(select, "IN"), scope.reading, scope)
    item = select.expressions[0]
    source_ = found.scope.person(bare(item.this if type(item) is exp.Alias else item))
    if source_ is None or not source_.preserved:
        raise not_offered("IN (SELECT …) selects something else than the person.", mend)
    return found.relation, found.across


def _plain(select: exp.Expression, word: str) -> exp.Expression:
    """A question inside that neither groups nor cuts."""
    if type(select) is not exp.Select:
        raise refused(select)
    if any(select.args.get(part) for part in ("limit", "offset", "order", "group", "having", "distinct", "with_")):
        raise not_offered(f"The question inside {word} groups, sorts or cuts its rows.", f"Leave that out. {CTE_MEND}")
    only(select, "expressions", "from_", "joins", "where")
    if any(is_aggregate(node) for item in select.expressions for node in level(item)):
        raise not_offered(
            f"The question inside {word} computes a statistic.", f"Write {word} (SELECT 1 FROM … WHERE …). {CTE_MEND}"
        )
    return select


def _not_linked(found: Rows, scope: Scope) -> Refusal:
    inner, outer = found.scope.sources[0], next(one for one in scope.sources if one.preserved)
    return Refusal(
        Reason.NOT_PERSON_SEPARABLE,
        "The sub-query in WHERE does not name the person, so one person could change the answer for everyone.",
        f"Add `AND {inner.called}.{inner.person} = {outer.called}.{outer.person}` inside the sub-query, or write it as a join on"
        " person.",
    )


# --------------------------------------------------------------------------------------------------------------------- values
def scalar(node: exp.Expression, scope: Scope, read: Read) -> tuple[Relation, Expression]:
    """(SELECT MIN(x) FROM … WHERE a.person = b.person …): one row a person to be joined, and its value seen above; a count of
    nothing is 0."""
    only(node, "this")
    select = node.this
    if type(select) is not exp.Select:
        raise refused(select)
    only(select, "expressions", "from_", "joins", "where")
    item = bare(select.expressions[0].this if type(select.expressions[0]) is exp.Alias else select.expressions[0])
    if len(select.expressions) != 1 or not is_aggregate(item):
        raise not_offered(f"The sub-query {quoted('(SELECT …)')} is not one value of each person.", CTE_MEND)
    found = read(select, scope.reading, scope)
    if not found.linked:
        raise _not_linked(found, scope)
    if found.across:
        raise not_offered("The sub-query reads columns of the question around it.", CTE_MEND)
    grouping = Grouping(found.scope, scope.reading.labels.take("value"), rows_per_person(found.relation))
    inner = grouping.value(item)
    assert isinstance(inner, Column)
    right = Grouped(found.relation, grouping.label, (), grouping.finished())
    value = Column(inner.table, inner.name, inner.domain.or_null())
    if grouping.values[0].function in ("count", "count_values", "count_distinct"):
        return right, first_known([value, number(Fraction(0))])
    return right, value
