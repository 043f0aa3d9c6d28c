"""FROM, JOIN and WHERE of one SELECT → `Relation`, and the names that can be read of it.

Promises that every join and every question inside is on the person: what is not is refused. Conditions above an outer join see
its right side with NULL.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.admission import ROWS_OF_A_PERSON
from tre.plan.hints import did_you_mean, listed, not_offered, quoted, too_large
from tre.plan.nodes import (
    And,
    Column,
    Derived,
    Domain,
    Filter,
    Join,
    Named,
    Predicate,
    Relation,
    Scan,
    Value,
    columns,
    outputs,
    rows_per_person,
)
from tre.plan.parse.correlated import is_question, scalar, semi_join
from tre.plan.parse.scalar import predicate
from tre.plan.parse.scope import Cte, Reading, Rows, Scope, Source, own_name, table_source
from tre.plan.parse.tree import bare, conjuncts, level, name_of, only, refused
from tre.plan.words import CTE_MEND


def rows(select: exp.Expression, reading: Reading, parent: Scope | None = None) -> Rows:
    """What a SELECT reads."""
    reading = _with_ctes(select.args.get("with_"), reading)
    node = select.args.get("from_")
    if node is None:
        raise not_offered("The question has no FROM.", f"Ask of {listed(list(reading.catalogue.tables))}.")
    only(node, "this")
    relation, source = _named(node.this, reading)
    scope = Scope(reading, (source,), parent)
    for join in select.args.get("joins") or ():
        relation, scope = _joined(join, relation, scope, select)
    relation, scope = _with_scalars(select, relation, scope)
    return _where(select.args.get("where"), Rows(relation, scope))


def _with_ctes(node: exp.Expression | None, reading: Reading) -> Reading:
    if node is None:
        return reading
    only(node, "expressions")
    for cte in node.expressions:
        only(cte, "this", "alias")
        only(cte.args["alias"], "this")
        name = name_of(cte.args["alias"].this)
        if own_name(name, reading.ctes) is not None:
            raise not_offered(f"WITH names {quoted(name)} twice.", "Give one another name.")
        reading = replace(reading, ctes={**reading.ctes, name: Cte(cte.this, reading.ctes)})
    return reading


# ----------------------------------------------------------------------------------------------------------------------- FROM
def _named(node: exp.Expression, reading: Reading) -> tuple[Relation, Source]:
    """A table, a CTE or a sub-query in brackets."""
    if type(node) is exp.Subquery:
        only(node, "this", "alias")
        if type(node.this) is exp.Table:
            raise not_offered("Brackets stand around a table of FROM.", "Write FROM a JOIN b ON … JOIN c ON … without them.")
        return reading.sub_query(node.this, reading, _alias(node.args.get("alias")))
    if type(node) is not exp.Table:
        raise refused(node)
    only(node, "this", "alias", "db", "catalog")
    name, called = name_of(node.this), _alias(node.args.get("alias"))
    if unqualified := [part for part in ("db", "catalog") if node.args.get(part)]:
        raise Refusal(
            Reason.TABLE_NOT_IN_POLICY,
            f"{quoted(name)} is named with a {unqualified[0]} before it.",
            "Write the table's name alone.",
        )
    if (own := own_name(name, reading.ctes)) is not None:
        cte = reading.ctes[own]
        return reading.sub_query(cte.query, replace(reading, ctes=cte.known), called or own)
    return _table(name, called or name, reading)


def _table(name: str, called: str, reading: Reading) -> tuple[Relation, Source]:
    tables = reading.catalogue.tables
    own = own_name(name, tables)
    if own is None:
        known = [*reading.ctes, *tables]
        told = did_you_mean(name, known, f"Tables are {listed(known)}.")
        raise Refusal(Reason.TABLE_NOT_IN_POLICY, f"{quoted(name)} is not a table of `{reading.catalogue.dataset}`.", told)
    label, offer = reading.labels.take(own, table=True), tables[own]
    return Scan(own, offer.row_cap, offer.max_rows, offer.max_groups, label), table_source(own, called, label, reading)


def _alias(node: exp.Expression | None) -> str:
    if node is None:
        return ""
    only(node, "this")
    return name_of(node.this)


# ----------------------------------------------------------------------------------------------------------------------- JOIN
def _joined(join: exp.Expression, left: Relation, scope: Scope, select: exp.Expression) -> tuple[Relation, Scope]:
    only(join, "this", "side", "kind", "on", "using")
    side, kind = str(join.args.get("side") or ""), str(join.args.get("kind") or "")
    if side not in ("", "LEFT") or kind not in ("", "INNER", "OUTER") or (kind == "OUTER" and not side):
        raise not_offered("This kind of join is not offered.", "There are JOIN and LEFT JOIN … ON a.person = b.person.")
    right, source = _named(join.this, scope.reading)
    together = scope.beside(source)
    extra = _extra(join, source, scope, together)
    if not side:
        relation = _bounded(left, right, outer=False)
        return _filtered(relation, [predicate(part, together) for part in extra]), together
    right = _filtered(right, [_of_right(part, together, right) for part in extra])
    right, source = _outer(right, source, scope.reading, select, join)
    return _bounded(left, right, outer=True), scope.beside(source)


def _bounded(left: Relation, right: Relation, outer: bool) -> Relation:
    product = rows_per_person(left) * rows_per_person(right)
    if product > ROWS_OF_A_PERSON:
        raise too_large(
            f"The joins may make {product:,} rows of one person; {ROWS_OF_A_PERSON:,} are the most.",
            CTE_MEND,
        )
    return Join(left, right, outer)


def _extra(join: exp.Expression, source: Source, scope: Scope, together: Scope) -> list[exp.Expression]:
    """The conditions of ON beside the equality of the persons, which there must be."""
    if using := join.args.get("using"):
        names = [name_of(part) for part in using]
        shared = [one for one in scope.sources if one.preserved and one.person.lower() == names[0].lower()]
        if len(names) != 1 or names[0].lower() != source.person.lower() or not shared:
            raise _not_on_the_person(source, scope)
        return []
    parts = conjuncts(join.args["on"]) if join.args.get("on") is not None else []
    extra = [part for part in parts if not _links(part, source, scope, together)]
    if len(extra) == len(parts):
        raise _not_on_the_person(source, scope)
    return extra


def _links(node: exp.Expression, source: Source, scope: Scope, together: Scope) -> bool:
    """Whether a condition equates the person of a new source with that of one before it."""
    if type(node) is not exp.EQ:
        return False
    only(node, "this", "expression")
    found = [together.person(bare(side)) for side in (node.this, node.expression)]
    others = [one for one in found if one is not None and one is not source]
    if len(others) != 1 or source not in found:
        return False
    if not others[0].preserved:
        first = next(one for one in scope.sources if one.preserved)
        raise not_offered(
            f"The join is on the person of {quoted(others[0].called)}, who may be absent after LEFT JOIN.",
            f"Join on {first.called}.{first.person}.",
        )
    return True


def _not_on_the_person(source: Source, scope: Scope) -> Refusal:
    first = next(one for one in scope.sources if one.preserved)
    return Refusal(
        Reason.NOT_PERSON_SEPARABLE,
        f"The join with {quoted(source.called)} is not on the person, so one person could change the rows of others.",
        f"Write ON {source.called or 'b'}.{source.person} = {first.called or 'a'}.{first.person}, other conditions after AND.",
    )


def _of_right(node: exp.Expression, together: Scope, right: Relation) -> Predicate:
    """A condition of LEFT JOIN … ON: it decides which right rows there are, and reads them alone."""
    found = predicate(node, together)
    if not {column.table for column in columns(found)} <= set(outputs(right)):
        raise not_offered(
            "A condition in ON of a LEFT JOIN reads the left side.",
            "Let it read the right side alone, or put it into WHERE, or compare inside EXISTS.",
        )
    return found


def _outer(
    right: Relation, source: Source, reading: Reading, select: exp.Expression, join: exp.Expression
) -> tuple[Relation, Source]:
    """The right side of an outer join as it is seen above: NULL too. What it computes, it computes below."""
    plain = {name: value for name, value in source.columns.items() if isinstance(value, Column)}
    never_null = next((value for value in plain.values() if not value.domain.nullable), None)
    if len(plain) < len(source.columns) or (never_null is None and _asks_for_person(select, source, join)):
        label = reading.labels.take(source.called or "joined")
        mark = next(name for name in ("matched", *(f"matched_{n}" for n in range(99))) if own_name(name, source.columns) is None)
        named = [Named(name, value) for name, value in source.columns.items()] + [Named(mark, Value(1, ONE))]
        right = Derived(right, label, tuple(named))
        reading.labels.defined[label] = {one.name: one for one in named}
        plain = {one.name: Column(label, one.name, one.domain) for one in named}
        never_null = plain.pop(mark)
    seen = {name: replace(value, domain=value.domain.or_null()) for name, value in plain.items()}
    matched = never_null and replace(never_null, domain=never_null.domain.or_null())
    return right, replace(source, columns=seen, preserved=False, matched=matched)


ONE = Domain("integer", False, (), 1, 1)


def _asks_for_person(select: exp.Expression, source: Source, join: exp.Expression) -> bool:
    """Whether the person of a right side is read outside its ON: as IS NULL, or counted."""
    named = [node for node in select.find_all(exp.Column) if type(node.this) is exp.Identifier]
    inside = {id(node) for node in join.find_all(exp.Column)}
    return any(
        name_of(node.this).lower() == source.person.lower()
        and node.args.get("table") is not None
        and name_of(node.args["table"]).lower() == source.called.lower()
        for node in named
        if id(node) not in inside
    )


# ---------------------------------------------------------------------------------------------------------------------- WHERE
def _with_scalars(select: exp.Expression, relation: Relation, scope: Scope) -> tuple[Relation, Scope]:
    """Sub-queries that are one value of each person become outer joins, one row a person."""
    for node in _scalars(select):
        right, value = scalar(node, scope, rows)
        relation = Join(relation, right, outer=True)
        scope = replace(scope, scalars={**scope.scalars, id(node): value})
    return relation, scope


def _scalars(select: exp.Expression) -> Iterator[exp.Expression]:
    clauses = [*select.expressions, *(select.args.get(name) for name in ("where", "group", "having", "order"))]
    for clause in clauses:
        if clause is not None:
            found = list(level(clause))
            listed_in = {id(node.args.get("query")) for node in found if type(node) is exp.In}
            yield from (node for node in found if type(node) is exp.Subquery and id(node) not in listed_in)


def _where(node: exp.Expression | None, found: Rows) -> Rows:
    """Conditions on the rows, then the questions inside; for a question inside, what links it to the one around."""
    if node is None:
        return found
    only(node, "this")
    scope, own = found.scope, set(outputs(found.relation))
    kept: list[Predicate] = []
    across: list[Predicate] = []
    questions: list[exp.Expression] = []
    linked = False
    for part in conjuncts(node.this):
        if _is_link(part, scope):
            linked = True
        elif is_question(part):
            questions.append(part)
        else:
            condition = predicate(part, scope)
            (kept if {column.table for column in columns(condition)} <= own else across).append(condition)
    relation = _filtered(found.relation, kept)
    for part in questions:
        relation = semi_join(part, relation, scope, rows)
    return Rows(relation, scope, linked, tuple(across))


def _is_link(node: exp.Expression, scope: Scope) -> bool:
    """Whether a condition equates the person with the one of the question around."""
    if type(node) is not exp.EQ or scope.parent is None:
        return False
    sides = [bare(node.this), bare(node.expression)]
    for inner, outer in (sides, sides[::-1]):
        source = scope.person(inner)
        if source is not None and source.preserved and scope.person(outer) is None and scope.around(outer):
            only(node, "this", "expression")
            return True
    return False


def _filtered(relation: Relation, parts: list[Predicate]) -> Relation:
    if not parts:
        return relation
    return Filter(relation, parts[0] if len(parts) == 1 else And(tuple(parts)))
