"""What names mean inside one question: its table, the table's columns, the code lists.

Promises that a name becomes a `Column` of the catalogue or a refusal that says which names there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from tre.errors import Reason, Refusal
from tre.plan.hints import did_you_mean, listed, nearest, not_offered, quoted
from tre.plan.nodes import Column
from tre.plan.offer import Catalogue, TableOffer
from tre.plan.parse.tree import name_of, only, refused


@dataclass(frozen=True, slots=True)
class Scope:
    """``called``: what the question calls its table, the only qualifier there is."""

    catalogue: Catalogue
    codelists: Mapping[str, tuple[str, ...]]
    table: str
    called: str

    @property
    def offer(self) -> TableOffer:
        return self.catalogue.tables[self.table]

    def column(self, node: exp.Column) -> Column:
        """The column that a node names; refused for the person and for what is not in the policy."""
        name = self.name(node)
        if name.lower() == self.catalogue.person.lower():
            raise not_offered(
                f"`{self.catalogue.person}` is a single person; an answer is about groups.",
                f"It can be counted: COUNT(DISTINCT {self.catalogue.person}).",
            )
        own = _same(name, self.offer.columns)
        if own is None:
            raise self._unknown(name)
        return Column(self.table, own, self.offer.columns[own].domain)

    def is_person(self, node: exp.Column) -> bool:
        return self.name(node).lower() == self.catalogue.person.lower()

    def name(self, node: exp.Column) -> str:
        """The column's name as the question writes it, its qualifier checked."""
        if type(node.this) is exp.Star:
            raise not_offered("All columns at once are not offered.", self.suggest_keys())
        only(node, "this", "table")
        qualifier = node.args.get("table")
        if qualifier is not None and name_of(qualifier).lower() != self.called.lower():
            raise Refusal(
                Reason.TABLE_NOT_IN_POLICY,
                f"{quoted(name_of(qualifier))} is not the table of this question.",
                f"The question calls it {quoted(self.called)}.",
            )
        return name_of(node.this)

    def suggest_keys(self) -> str:
        keys = self.offer.public_keys()
        return (
            f"Keys of `{self.table}` are {listed(keys)}."
            if keys
            else f"`{self.table}` has no public keys: ask for COUNT(*) alone."
        )

    def _unknown(self, name: str) -> Refusal:
        elsewhere = [at for at, table in self.catalogue.tables.items() if _same(name, table.columns)]
        detail = f"{quoted(name)} is not a column of `{self.table}`."
        columns = list(self.offer.columns)
        if elsewhere and not nearest(name, columns):
            told = f"It is a column of {listed(elsewhere)}; joins are not offered yet."
        else:
            told = did_you_mean(name, columns, f"Its columns are {listed(columns)}.")
        return Refusal(Reason.COLUMN_NOT_IN_POLICY, detail, told)


def scope(node: exp.Expression | None, catalogue: Catalogue, codelists: Mapping[str, tuple[str, ...]]) -> Scope:
    """FROM: one table that has one row per person, with an alias or without."""
    if node is None:
        raise not_offered("The question has no FROM.", f"Ask of {listed(_tables(catalogue))}.")
    only(node, "this")
    if type(node.this) is not exp.Table:
        raise refused(node.this)
    only(node.this, "this", "alias", "db", "catalog")
    name, called = name_of(node.this.this), _alias(node.this.args.get("alias"))
    if unqualified := [part for part in ("db", "catalog") if node.this.args.get(part)]:
        raise Refusal(
            Reason.TABLE_NOT_IN_POLICY,
            f"{quoted(name)} is named with a {unqualified[0]} before it.",
            "Write the table's name alone.",
        )
    own = _same(name, catalogue.tables)
    if own is None:
        told = did_you_mean(name, list(catalogue.tables), f"Tables are {listed(list(catalogue.tables))}.")
        raise Refusal(Reason.TABLE_NOT_IN_POLICY, f"{quoted(name)} is not a table of `{catalogue.dataset}`.", told)
    if not catalogue.tables[own].one_row_per_person:
        raise not_offered(
            f"Questions of `{own}`, which has many rows per person, are not offered yet.",
            f"Ask of {listed(_tables(catalogue))}.",
        )
    return Scope(catalogue, codelists, own, called or name)


def _alias(node: exp.Expression | None) -> str:
    if node is None:
        return ""
    only(node, "this")
    return name_of(node.this)


def _tables(catalogue: Catalogue) -> list[str]:
    return [name for name, table in catalogue.tables.items() if table.one_row_per_person]


def _same(name: str, names: Mapping[str, object]) -> str | None:
    """Our spelling of a name: case means nothing, as in SQL."""
    return next((own for own in names if own.lower() == name.lower()), None)
