"""What names mean inside one question: the tables and sub-queries of FROM, their columns, the persons, the code lists.

Promises that a name becomes an expression of the catalogue's columns or a refusal that says which names there are, and that the
person is never among the expressions. Labels are given here: no label twice in a plan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, listed, nearest, not_offered, quoted, too_large
from tre.plan.nodes import Column, Expression, Predicate, Relation
from tre.plan.offer import Catalogue
from tre.plan.offered import Definition, TableOffer
from tre.plan.parse.tree import name_of, only

MOST_RELATIONS = 32  # tables and sub-queries of a plan; a CTE counts as often as it is named


@dataclass(frozen=True, slots=True)
class Source:
    """One name in FROM. ``person``: what its person column is called. ``table``: the catalogue's, where it is one.
    ``preserved``: False on the right side of an outer join, where the person may be absent; ``matched`` is then a column that
    is NULL where the person has no row."""

    called: str
    person: str
    columns: Mapping[str, Expression]
    table: str | None = None
    preserved: bool = True
    matched: Expression | None = None


@dataclass(frozen=True, slots=True)
class Cte:
    """A sub-query of WITH, and those that it may name itself."""

    query: exp.Expression
    known: Mapping[str, Cte]


@dataclass
class Labels:
    """The labels of a plan, as they are given."""

    tables: frozenset[str]
    taken: set[str] = field(default_factory=set)
    defined: dict[str, Definition] = field(default_factory=dict)

    def take(self, name: str, table: bool = False) -> str:
        """A label like the name: the name of a table is for the table's first use alone."""
        if len(self.taken) >= MOST_RELATIONS:
            raise too_large(f"The question reads more than {MOST_RELATIONS} tables and sub-queries.", "Ask it in two questions.")
        plain = (re.sub(r"[^a-z0-9_]", "_", name.lower())[:40].lstrip("0123456789_")) or "rows"
        label, number = plain, 1
        while label in self.taken or (label in self.tables and not (table and label == plain)):
            number += 1
            label = f"{plain}_{number}"
        self.taken.add(label)
        return label


@dataclass(frozen=True)
class Reading:
    """What is the same in all of one question. ``sub_query`` reads a question inside: handed in, for it needs all the others."""

    catalogue: Catalogue
    codelists: Mapping[str, tuple[str, ...]]
    labels: Labels
    sub_query: Callable[[exp.Expression, Reading, str], tuple[Relation, Source]]
    ctes: Mapping[str, Cte] = field(default_factory=dict)

    @property
    def person(self) -> str:
        return self.catalogue.person


@dataclass(frozen=True)
class Scope:
    """The names of one SELECT. ``parent``: of the question around an EXISTS. ``scalars``: sub-queries that were joined, by their
    node. ``aggregate``: what a call over one person's rows becomes, where there may be one."""

    reading: Reading
    sources: tuple[Source, ...]
    parent: Scope | None = None
    scalars: Mapping[int, Expression] = field(default_factory=dict)
    aggregate: Callable[[exp.Expression], Expression] | None = None
    aliases: Mapping[str, Expression] = field(default_factory=dict)  # of SELECT, where HAVING may name them

    def beside(self, source: Source) -> Scope:
        if any(one.called.lower() == source.called.lower() for one in self.sources):
            raise not_offered(f"Two tables of FROM are called {quoted(source.called)}.", "Give one another name with AS.")
        return replace(self, sources=(*self.sources, source))

    def column(self, node: exp.Column) -> Expression:
        """What a name stands for; refused for the person and for what there is not."""
        qualifier, name = self.name(node)
        if self.is_person(node):
            raise not_offered(
                f"`{self.reading.person}` is a single person; an answer is about groups.",
                f"It can be counted, COUNT(DISTINCT {self.reading.person}), and joined on.",
            )
        scope: Scope | None = self
        while scope is not None:
            found = [
                (one.columns[own], one.called)
                for one in scope._called(qualifier)
                if (own := _same(name, one.columns)) is not None
            ]
            if len(found) > 1:
                raise not_offered(
                    f"{quoted(name)} is a column of {listed([at for _, at in found])}.", f"Write {found[0][1]}.{name}."
                )
            if found:
                return found[0][0]
            if qualifier is None and (alias := _same(name, scope.aliases)) is not None:
                return scope.aliases[alias]
            scope = scope.parent
        raise self._unknown(qualifier, name)

    def name(self, node: exp.Column) -> tuple[str | None, str]:
        """The qualifier and the name as the question writes them; the qualifier is one that there is."""
        if type(node.this) is exp.Star:
            raise not_offered("All columns at once are not offered here.", self.suggest_keys())
        only(node, "this", "table")
        qualifier = node.args.get("table")
        called = None if qualifier is None else name_of(qualifier)
        scope: Scope | None = self
        while called is not None and scope is not None and not scope._called(called):
            scope = scope.parent
        if scope is None:
            known = [one.called for one in self.sources]
            raise Refusal(
                Reason.TABLE_NOT_IN_POLICY,
                f"{quoted(called or '')} is not a table of this question.",
                f"The question has {listed(known)}.",
            )
        return called, name_of(node.this)

    def spelled(self, node: exp.Expression) -> str:
        """Our spelling of a column's name; empty where a node is no column."""
        if type(node) is not exp.Column or type(node.this) is exp.Star:
            return ""
        called, name = self.name(node)
        return next((own for one in self._called(called) if (own := _same(name, one.columns)) is not None), name)

    def _called(self, qualifier: str | None) -> list[Source]:
        return [one for one in self.sources if qualifier is None or one.called.lower() == qualifier.lower()]

    # --------------------------------------------------------------------------------------------------------------- persons
    def is_person(self, node: exp.Expression) -> bool:
        """Whether a node names the person of this question, or of one around it."""
        return type(node) is exp.Column and (self.person(node) is not None or self._outer_person(node))

    def person(self, node: exp.Expression) -> Source | None:
        """The source of this SELECT whose person a node names; where it has no qualifier, the first that has every person."""
        if type(node) is not exp.Column or type(node.this) is exp.Star:
            return None
        only(node, "this", "table")
        qualifier = node.args.get("table")
        called, name = None if qualifier is None else name_of(qualifier), name_of(node.this)
        found = [one for one in self._called(called) if one.person.lower() == name.lower()]
        return min(found, key=lambda one: not one.preserved, default=None)

    def _outer_person(self, node: exp.Expression) -> bool:
        return self.parent is not None and self.parent.is_person(node)

    def around(self, node: exp.Expression) -> bool:
        """Whether a node names a person of the questions around this one, whom all their rows are of."""
        scope = self.parent
        while scope is not None and self.person(node) is None:
            if (source := scope.person(node)) is not None:
                return source.preserved
            scope = scope.parent
        return False

    def birth(self) -> Expression:
        """The year or day of birth, as the policy names it."""
        table, _, name = (self.reading.catalogue.birth or "").partition(".")
        if not table:
            raise Refusal(
                Reason.FUNCTION_NOT_OFFERED, "The dataset names no column of birth.", "Subtract a year of birth from year(date)."
            )
        scope: Scope | None = self
        while scope is not None:
            for source in scope.sources:
                if source.table == table:
                    return source.columns[name]
            scope = scope.parent
        raise not_offered(
            f"age_at needs `{table}`, which is not in FROM.",
            f"Add JOIN {table} USING ({self.reading.person}).",
        )

    # ----------------------------------------------------------------------------------------------------------------- hints
    def tables(self) -> list[tuple[str, TableOffer]]:
        return [(one.table, self.reading.catalogue.tables[one.table]) for one in self.sources if one.table]

    def suggest_keys(self) -> str:
        keys = [(name, table.public_keys()) for name, table in self.tables()]
        told = " ".join(f"Keys of `{name}` are {listed(public)}." for name, public in keys[:3] if public)
        return told or "Ask for COUNT(*) alone, or group by band(x, width), year(date) or a CASE."

    def _unknown(self, qualifier: str | None, name: str) -> Refusal:
        sources = self._called(qualifier) or list(self.sources)
        columns = [column for one in sources for column in one.columns]
        whose = listed([one.table or one.called for one in sources])
        elsewhere = [at for at, table in self.reading.catalogue.tables.items() if _same(name, table.columns)]
        elsewhere = [at for at in elsewhere if at not in {one.table for one in sources}]
        detail = f"{quoted(name)} is not a column of {whose}."
        if elsewhere and not nearest(name, columns):
            told = f"It is a column of {listed(elsewhere)}: JOIN {elsewhere[0]} USING ({self.reading.person})."
        else:
            told = did_you_mean(name, columns, f"Its columns are {listed(columns)}.")
        return Refusal(Reason.COLUMN_NOT_IN_POLICY, detail, told)


@dataclass(frozen=True)
class Rows:
    """The rows of a SELECT before it groups. ``linked``: whether WHERE equates the person with that of the question around;
    ``across``: conditions that read that question's columns too."""

    relation: Relation
    scope: Scope
    linked: bool = False
    across: tuple[Predicate, ...] = ()


def table_source(name: str, called: str, label: str, reading: Reading) -> Source:
    """A table of the catalogue as a source."""
    offer = reading.catalogue.tables[name]
    columns = {at: Column(label, at, column.domain) for at, column in offer.columns.items()}
    reading.labels.defined[label] = name
    return Source(called, reading.person, columns, table=name)


def own_name(name: str, names: Mapping[str, object]) -> str | None:
    """Our spelling of a name: case means nothing, as in SQL."""
    return _same(name, names)


def _same(name: str, names: Mapping[str, object]) -> str | None:
    return next((own for own in names if own.lower() == name.lower()), None)
