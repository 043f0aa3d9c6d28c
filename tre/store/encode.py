"""A column of the policy → the SQL that makes a source's value the integer that is stored, or says why it cannot.

Promises that no value makes it fail. Nothing but integers and dates is stored: a category is its place among the policy's
values, a decimal its number of grid steps, a code its number in a dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tre.policy import ColumnPolicy
from tre.store.connection import text

# Why a value is not as the policy has it. 0: it is.
MISSING, UNPARSABLE, OUT_OF_RANGE, UNLISTED = 1, 2, 3, 4
WHYS = {MISSING: "missing", UNPARSABLE: "unparsable", OUT_OF_RANGE: "out of range", UNLISTED: "unlisted"}

INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
NUMBER = r"'[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,2})?'"
CODE = "'[!-~]([ -~]{0,38}[!-~])?'"


@dataclass(frozen=True)
class Encoding:
    """``parsed``: the value from the source, NULL where it has none. ``why``: from the raw value and the parsed one, a number of
    `WHYS` or 0. ``stored``: the type in the store."""

    parsed: str
    why: str
    stored: str


def encode(column: ColumnPolicy, raw: str, kind: str, listed: str, v: str) -> Encoding:
    """``raw`` is the source's column, ``kind`` its type there, ``listed`` the name of the type made of a category's values, ``v``
    the name that ``why`` calls the parsed value by."""
    plain = f"nullif(trim(CAST({raw} AS VARCHAR), ' '), '')"
    if column.type == "category":
        stored = "UTINYINT" if len(column.values) <= 256 else "USMALLINT"
        return Encoding(f"enum_code(try_cast({plain} AS {listed}))", _why(plain, v, UNLISTED), stored)
    if column.type == "code":
        return Encoding(f"CASE WHEN regexp_full_match({plain}, {CODE}) THEN {plain} END", _why(plain, v), "INTEGER")
    if column.type == "date":
        return Encoding(_date(plain, raw, kind), _why(plain, v, low=f"DATE '{column.min}'", high=f"DATE '{column.max}'"), "DATE")
    low, high = steps(column)
    why = _why(plain, v, low=str(low), high=str(high))
    if column.type == "integer":
        return Encoding(_integer(plain, raw, kind), why, smallest(low, high))
    return Encoding(_decimal(plain, raw, kind, column.grid or Decimal(1)), why, "INTEGER")


def steps(column: ColumnPolicy) -> tuple[int, int]:
    """The bounds of an integer or decimal column in grid steps."""
    grid = column.grid or Decimal(1)
    low, high = (int(bound / grid) for bound in (column.min, column.max) if isinstance(bound, int | Decimal))
    return low, high


def smallest(low: int, high: int) -> str:
    """The smallest signed type that holds a range."""
    return next(
        name for name, bits in (("TINYINT", 7), ("SMALLINT", 15), ("INTEGER", 31)) if -(2**bits) <= low and high < 2**bits
    )


def listed_type(column: ColumnPolicy) -> str:
    """The values of a category as an ENUM: a value's code is its place."""
    return f"ENUM ({', '.join(text(value) for value in column.values)})"


def _why(plain: str, v: str, unknown: int = UNPARSABLE, low: str = "", high: str = "") -> str:
    beyond = f"WHEN {v} NOT BETWEEN {low} AND {high} THEN {OUT_OF_RANGE} " if low else ""
    return f"CASE WHEN {plain} IS NULL THEN {MISSING} WHEN {v} IS NULL THEN {unknown} {beyond}ELSE 0 END"


def _date(plain: str, raw: str, kind: str) -> str:
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return f"CASE WHEN isfinite({raw}) THEN try_cast({raw} AS DATE) END"
    return f"CASE WHEN regexp_full_match({plain}, '[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') THEN try_cast({plain} AS DATE) END"


def _integer(plain: str, raw: str, kind: str) -> str:
    if kind in INTEGERS:
        return f"try_cast({raw} AS BIGINT)"
    if _fractional(kind):  # a whole number that a tool wrote as 1950.0
        return f"CASE WHEN {raw} = trunc({raw}) THEN try_cast({raw} AS BIGINT) END"
    return f"CASE WHEN regexp_full_match({plain}, '[-+]?[0-9]{{1,18}}') THEN try_cast({plain} AS BIGINT) END"


def _decimal(plain: str, raw: str, kind: str, grid: Decimal) -> str:
    """The nearest grid step, halves away from zero, in whole millionths: no floating point number decides. What 18 digits cannot
    hold is told as unparsable."""
    if kind in INTEGERS or _fractional(kind):
        value = f"try_cast({raw} AS DECIMAL(18, 6))"
    else:
        value = f"CASE WHEN regexp_full_match({plain}, {NUMBER}) THEN try_cast({plain} AS DECIMAL(18, 6)) END"
    millionths = f"CAST(({value})::DECIMAL(38, 6) * 1000000 AS HUGEINT)"
    step = int(grid * 1_000_000)
    return f"CAST(sign({millionths}) * ((2 * abs({millionths}) + {step}) // {2 * step}) AS BIGINT)"


def _fractional(kind: str) -> bool:
    return kind in ("DOUBLE", "FLOAT") or kind.startswith("DECIMAL")
