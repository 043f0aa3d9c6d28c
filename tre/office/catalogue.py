"""The catalogue and the data dictionary, from the policy alone: byte-identical whatever the records are."""

from __future__ import annotations

from typing import Any

from tre.policy import ColumnPolicy, DatasetPolicy, TablePolicy


def summary(policy: DatasetPolicy) -> dict[str, Any]:
    """One line of the catalogue."""
    return {
        "dataset": policy.dataset,
        "title": policy.title,
        "controller": policy.controller,
        "persons": {"about": policy.published_size.persons, "source": policy.published_size.source},
        "tables": list(policy.tables),
    }


def dictionary(policy: DatasetPolicy, digest: str) -> dict[str, Any]:
    """Everything a researcher needs to write a question."""
    return summary(policy) | {
        "privacy_unit": policy.privacy_unit,
        "lifetime_cap": {"epsilon": str(policy.lifetime_cap.epsilon), "delta": str(policy.lifetime_cap.delta)},
        "disclosure": policy.disclosure.model_dump(mode="json"),
        "accounting": {
            "default_share": str(policy.accounting.default_share),
            "quantum_ms": policy.accounting.quantum_ms,
            "deadline_s": policy.accounting.deadline_s,
        },
        "opt_outs": policy.opt_outs.model_dump(mode="json"),
        "policy": digest,
        "tables": [_table(name, table) for name, table in policy.tables.items()],
    }


def _table(name: str, table: TablePolicy) -> dict[str, Any]:
    bounds = (
        {} if table.one_row_per_person else {"max_rows": table.max_rows, "max_groups": table.max_groups, "row_cap": table.row_cap}
    )
    return {
        "table": name,
        "description": table.description,
        "one_row_per_person": table.one_row_per_person,
        **bounds,
        "columns": [_column(column, policy) for column, policy in table.columns.items()],
    }


def _column(name: str, column: ColumnPolicy) -> dict[str, Any]:
    return {
        "name": name,
        "type": column.type,
        "keys": column.keys,
        "nullable": column.nullable,
        "level": column.level,
        "values": list(column.values),
        "min": None if column.min is None else str(column.min),
        "max": None if column.max is None else str(column.max),
        "grid": None if column.grid is None else str(column.grid),
        "told_values": _told(column),
        "description": column.description,
        "source": column.source,
    }


def _told(column: ColumnPolicy) -> str:
    """The values in words, short enough for a table."""
    if column.values:
        few = column.values if len(column.values) <= 8 else column.values[:3]
        return ", ".join(few) + (f" … ({len(column.values)} values)" if few != column.values else "")
    return f"{column.min} to {column.max}" if column.min is not None else "codes"
