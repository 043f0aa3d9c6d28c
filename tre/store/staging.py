"""A source's rows → rows in the store's encoding, each with the reason why it is rejected, if it is. One pass over the source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tre.errors import Unfit
from tre.persons import valid_nhs_number_sql
from tre.policy import DatasetPolicy, TablePolicy
from tre.store.connection import Connection, EngineError, one, word
from tre.store.encode import MISSING, UNPARSABLE, WHYS, Encoding, encode, listed_type
from tre.store.source import Source

INVALID_IDENTIFIER = 1
WIDTH = 8  # reason = WIDTH * (place of the column + 1) + why


def stage(connection: Connection, policy: DatasetPolicy, name: str, source: Source) -> tuple[Counter[str], Counter[str]]:
    """Makes the table ``staged_<name>``; what was rejected and what was made NULL, counted by reason."""
    table = policy.tables[name]
    encodings = _encodings(connection, name, table, source)
    try:
        connection.execute(f"CREATE TABLE {word('staged_' + name)} AS {_staged(policy, table, source, encodings)}")
        rejected = _rejected(connection, policy, name)
        if source.malformed:
            counting = f"SELECT count(DISTINCT line_byte_position) FROM {word(source.malformed)}"
            rejected["line malformed"] += one(connection, counting)[0]
            connection.execute(f"DROP TABLE {word(source.malformed)}; DROP TABLE {word(source.malformed + '_scans')}")
    except EngineError:  # its text may hold values
        raise Unfit(f"{source.path} cannot be read to its end; give it whole, with lines that all end alike") from None
    return +rejected, +_nulled(connection, name, table)


def _encodings(connection: Connection, name: str, table: TablePolicy, source: Source) -> Mapping[str, Encoding]:
    encodings = {}
    for place, (column, policy) in enumerate(table.columns.items()):
        listed = word(f"listed_{name}_{column}")
        if policy.type == "category":
            connection.execute(f"CREATE TYPE {listed} AS {listed_type(policy)}")
        encodings[column] = encode(policy, f"r{place}", source.types[column], listed, f"p{place}")
    return encodings


def _staged(policy: DatasetPolicy, table: TablePolicy, source: Source, encodings: Mapping[str, Encoding]) -> str:
    """Raw values, then parsed ones, then why they are not as they should be, then what is kept."""
    places = list(enumerate(encodings.items()))
    raws = [f"{word(column)} AS r{place}" for place, column in enumerate(encodings)]
    parsed = [f"{encoding.parsed} AS p{place}" for place, (_, encoding) in places]
    whys = [f"({encoding.why})::UTINYINT AS w{place}" for place, (_, encoding) in places]
    stored = [(place, name, _kept(table, name, place, encoding)) for place, (name, encoding) in places]
    kept = [f"CASE WHEN w{place} = 0 THEN {value} END AS {word(name)}" for place, name, value in stored]
    noted = [f"w{place}" for place, (name, _) in places if table.columns[name].nullable]
    return f"""
        SELECT id, {_reason(table)} AS reason, {", ".join([*kept, *noted])}
        FROM (SELECT *, {", ".join(whys)}
            FROM (SELECT *, {_identifier(policy)} AS id, {", ".join(parsed)}
                FROM (SELECT replace(CAST({word(policy.person_source.column)} AS VARCHAR), ' ', '') AS given, {", ".join(raws)}
                    FROM {source.relation})))"""


def _kept(table: TablePolicy, name: str, place: int, encoding: Encoding) -> str:
    """Codes stay text until every one of them is known."""
    return f"p{place}" if table.columns[name].type == "code" else f"p{place}::{encoding.stored}"


def _identifier(policy: DatasetPolicy) -> str:
    """A valid NHS number has ten digits and no zero in front, so that it is kept as a number."""
    if policy.person_source.check == "nhs-number":
        return f"CASE WHEN {valid_nhs_number_sql('given')} THEN try_cast(given AS BIGINT) END"
    return "CASE WHEN length(given) BETWEEN 1 AND 200 THEN given END"


def _reason(table: TablePolicy) -> str:
    """The first thing wrong with a row, 0 for nothing. A date that is none rejects its row even where it may be missing."""
    cases = [f"WHEN id IS NULL THEN {INVALID_IDENTIFIER}"]
    for place, column in enumerate(table.columns.values()):
        wrong = [why for why in WHYS if not column.nullable or (column.type == "date" and why == UNPARSABLE)]
        if wrong:
            cases.append(f"WHEN w{place} IN ({', '.join(map(str, wrong))}) THEN {WIDTH * (place + 1)} + w{place}")
    return f"(CASE {' '.join(cases)} ELSE 0 END)::SMALLINT"


def _rejected(connection: Connection, policy: DatasetPolicy, name: str) -> Counter[str]:
    columns = list(policy.tables[name].columns)
    counted: Counter[str] = Counter()
    query = f"SELECT reason, count(*) FROM {word('staged_' + name)} WHERE reason <> 0 GROUP BY reason"
    for reason, rows in connection.execute(query).fetchall():
        place, why = divmod(reason, WIDTH)
        told = f"{policy.person_source.column} invalid" if reason == INVALID_IDENTIFIER else f"{columns[place - 1]} {WHYS[why]}"
        counted[told] = rows
    return counted


def _nulled(connection: Connection, name: str, table: TablePolicy) -> Counter[str]:
    """Values that were there and could not be kept, of rows whose other values could."""
    asked = [
        (f"{column} {told}", f"count(*) FILTER (w{place} = {why})")
        for place, (column, policy) in enumerate(table.columns.items())
        if policy.nullable
        for why, told in WHYS.items()
        if why != MISSING
    ]
    if not asked:
        return Counter()
    counts = one(connection, f"SELECT {', '.join(sql for _, sql in asked)} FROM {word('staged_' + name)} WHERE reason = 0")
    return Counter(dict(zip((told for told, _ in asked), counts, strict=True)))
