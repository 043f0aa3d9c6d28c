"""What a dataset offers, for the reader of questions: tables, columns, domains and keys, from the policy alone.

Promises a frozen catalogue that travels as JSON, and to say whether a plan speaks only of what it offers. Never a fact of the
records, never a default that opens something.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tre.errors import Refusal
from tre.plan.admission import CODES_IN_A_PLAN, Terms, admits
from tre.plan.hints import invalid, quoted
from tre.plan.nodes import Domain, Plan, from_json, to_json
from tre.plan.offered import ColumnOffer, TableOffer
from tre.terms import canonical, digest

if TYPE_CHECKING:
    from tre.policy import ColumnPolicy, DatasetPolicy, TablePolicy

__all__ = [
    "CODES_IN_A_LIST", "CODES_IN_A_PLAN", "Catalogue", "ColumnOffer", "TableOffer", "catalogue", "catalogue_from_json",
    "catalogue_to_json", "is_code", "with_own_codelists",
]  # fmt: skip

CODES_IN_A_LIST = 5_000  # of a researcher's own
_LIST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_CODE = re.compile(r"[!-~](?:[ -~]{0,38}[!-~])?")


@dataclass(frozen=True)
class Catalogue:
    """Everything a question may name. ``person`` is the privacy unit: a column of every table, counted, never shown. ``birth``:
    the table and column of a person's year or day of birth, as ``table.column``."""

    dataset: str
    person: str
    max_rows_out: int
    tables: Mapping[str, TableOffer]
    birth: str | None = None

    @cached_property
    def digest(self) -> str:
        return digest(canonical(catalogue_to_json(self)))

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name of a table or a column, in lower case."""
        columns = (name for table in self.tables.values() for name in table.columns)
        return frozenset(name.lower() for name in (self.person, *self.tables, *columns))

    def admits(self, plan: Plan) -> bool:
        """Whether a plan speaks only of what is offered, as it is offered: the check on what comes back from the reader."""
        return admits(Terms(self.dataset, self.person, self.max_rows_out, self.tables), plan)


def catalogue(policy: DatasetPolicy) -> Catalogue:
    """The catalogue of a policy."""
    tables = {name: _table(table) for name, table in policy.tables.items()}
    return Catalogue(policy.dataset, policy.privacy_unit, policy.disclosure.max_rows_out, tables, policy.birth)


def _table(table: TablePolicy) -> TableOffer:
    columns = {name: ColumnOffer(_domain(column), column.keys) for name, column in table.columns.items()}
    return TableOffer(table.one_row_per_person, table.row_cap, columns, table.max_rows, table.max_groups)


def _domain(column: ColumnPolicy) -> Domain:
    if column.type in ("category", "code"):
        return Domain(column.type, column.nullable, column.values)
    step = column.grid or Decimal(1)
    low, high = (_steps(bound, step) for bound in (column.min, column.max))
    return Domain(column.type, column.nullable, (), low, high, format(step.normalize(), "f"))


def _steps(bound: int | Decimal | date | None, step: Decimal) -> int:
    """A bound as the store holds it: days since 1970-01-01, or steps of the grid."""
    if bound is None:
        raise ValueError("a range has a low and a high")
    if isinstance(bound, date):
        return bound.toordinal() - date(1970, 1, 1).toordinal()
    return int(bound / step)


def catalogue_to_json(offer: Catalogue) -> dict[str, Any]:
    """A catalogue as JSON, for the pipe to the reader."""
    tables = {
        name: {
            "one_row_per_person": table.one_row_per_person,
            "row_cap": table.row_cap,
            "max_rows": table.max_rows,
            "max_groups": table.max_groups,
            "columns": [[at, to_json(column.domain), column.keys] for at, column in table.columns.items()],
        }
        for name, table in offer.tables.items()
    }
    named = {"dataset": offer.dataset, "person": offer.person, "max_rows_out": offer.max_rows_out}
    return named | {"tables": tables, "birth": offer.birth}


def catalogue_from_json(body: Mapping[str, Any]) -> Catalogue:
    """The inverse, in the reader."""
    tables = {
        name: TableOffer(
            table["one_row_per_person"],
            table["row_cap"],
            {at: ColumnOffer(from_json(domain), keys) for at, domain, keys in table["columns"]},
            table["max_rows"],
            table["max_groups"],
        )
        for name, table in body["tables"].items()
    }
    return Catalogue(body["dataset"], body["person"], body["max_rows_out"], tables, body["birth"])


def is_code(text: str) -> bool:
    """Whether a text can be a code: 1 to 40 printable ASCII characters, no space at its ends."""
    return _CODE.fullmatch(text) is not None


def with_own_codelists(policys: Mapping[str, tuple[str, ...]], own: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The code lists that a question may name: the policy's and the researcher's own, which are checked here."""
    for name, codes in own.items():
        if not _LIST_NAME.fullmatch(name):
            raise _unusable(name, "has a name that cannot be used", "Name it with letters, digits, - and _, at most 40.")
        if name in policys:
            raise _unusable(name, "has the name of a list of the policy", "Give it another name.")
        if not 0 < len(codes) <= CODES_IN_A_LIST:
            raise _unusable(name, f"has {len(codes):,} codes", f"A list has 1 to {CODES_IN_A_LIST:,} codes.")
        if not all(type(code) is str and is_code(code) for code in codes):
            raise _unusable(name, "holds something that is not a code", "A code is 1 to 40 printable ASCII characters.")
    return {**policys, **{name: tuple(codes) for name, codes in own.items()}}


def _unusable(name: str, why: str, mend: str) -> Refusal:
    return invalid(f"The code list {quoted(name)} {why}.", mend)
