"""Records of nobody in the shape of any policy: made from its tables, bounds and lists alone, with nothing of the world in them.

For measuring how long questions take. Values are spread evenly by a hash of their place: the same records every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb

from tre.persons import valid_nhs_number_sql
from tre.policy import ColumnPolicy, DatasetPolicy, TablePolicy

CODES = 6_000  # in a column of codes: as many as England has practices
ROWS = 10  # of one person in a table of many rows, where the policy lets as many count
ONE_NULL_IN = 20
# Numbers of ten digits from 4,000,000,000 on: 90 million of them are valid.
FIRST_PREFIX = 400_000_000


def make_twin(policy: DatasetPolicy, folder: Path, persons: int) -> None:
    """Write `<table>.parquet` for each table of the policy, with so many persons."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"memory_limit": "1GB", "autoinstall_known_extensions": "false"}) as connection:
        connection.execute(f"SET temp_directory = '{_quoted(str(folder))}'")
        for place, (name, table) in enumerate(policy.tables.items()):
            query = _rows(policy, table, persons, place)
            connection.execute(f"COPY ({query}) TO '{_quoted(str(folder / name))}.parquet' (FORMAT parquet)")


def rows_of_a_person(table: TablePolicy) -> int:
    """How many rows each person has in a table."""
    return 1 if table.one_row_per_person else min(ROWS, table.max_rows)


def identifiers(policy: DatasetPolicy, persons: int, one_in: int) -> Iterator[str]:
    """The identifier of one in so many of the persons."""
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT given FROM ({_persons(policy, persons)}) WHERE n % {one_in} = 0")
        while rows := found.fetchmany(10_000):
            yield from (given for (given,) in rows)


def _persons(policy: DatasetPolicy, persons: int) -> str:
    """``n`` and the identifier of each person."""
    if policy.person_source.check == "none":
        return f"SELECT n, 'p' || n AS given FROM range({persons}) t(n)"
    total = " + ".join(f"{weight} * (prefix // {10 ** (weight - 2)} % 10)" for weight in range(10, 1, -1))
    # A check digit of ten makes a number that is not valid: about one in eleven is left out.
    prefixes = f"SELECT n, {FIRST_PREFIX} + n AS prefix FROM range({persons + persons // 8 + 100}) t(n)"
    numbers = f"SELECT n, CAST(prefix * 10 + (11 - ({total}) % 11) % 11 AS VARCHAR) AS given FROM ({prefixes})"
    return f"SELECT n, given FROM ({numbers}) WHERE {valid_nhs_number_sql('given')} ORDER BY n LIMIT {persons}"


def _rows(policy: DatasetPolicy, table: TablePolicy, persons: int, place: int) -> str:
    columns = [
        f'{_value(column, f"hash(n * {ROWS} + r, {1_000 * place + number})")} AS "{name}"'
        for number, (name, column) in enumerate(table.columns.items())
    ]
    source = f"({_persons(policy, persons)}) CROSS JOIN range({rows_of_a_person(table)}) s(r)"
    return f'SELECT given AS "{policy.person_source.column}", {", ".join(columns)} FROM {source}'


def _value(column: ColumnPolicy, chance: str) -> str:
    """SQL for a value of the column, by a hash."""
    value = _present(column, chance)
    return f"CASE WHEN {chance} % {ONE_NULL_IN * 101} < 101 THEN NULL ELSE {value} END" if column.nullable else value


def _present(column: ColumnPolicy, chance: str) -> str:
    match column.type:
        case "category":
            listed = ", ".join(f"'{_quoted(value)}'" for value in column.values)
            return f"list_extract([{listed}], ({chance} % {len(column.values)} + 1)::BIGINT)"
        case "code":
            return f"'C' || ({chance} % {CODES})"
        case "date":
            days = f"DATE '{column.max}' - DATE '{column.min}'"
            return f"DATE '{column.min}' + ({chance} % (({days})::UBIGINT + 1))::INTEGER"
    step = column.grid or 1
    low, high = (int(bound / step) for bound in (column.min, column.max))  # type: ignore[operator]
    return f"({low} + ({chance} % {high - low + 1})::BIGINT) * {step}"


def _quoted(text: str) -> str:
    return text.replace("'", "''")
