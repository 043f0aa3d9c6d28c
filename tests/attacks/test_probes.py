"""T-ERR, T-BUD3, T-META: probes on neighbouring tables. A naive gateway tells them apart; here every byte is the same.

The neighbours are the sample records and the same with one person more, who is unlike anybody: born in 1900, of a practice of
their own, with a value that makes each probe fail where an engine runs it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from tests.serving import SAMPLE, Served, furnish
from tre.policy import read_policies
from tre.sample.twin import make_twin

TARGET = "9434765919"  # a valid number that the sample does not hold
PROBES = [
    "SELECT COUNT(*) FROM patients WHERE CASE WHEN year_of_birth = 1900 THEN CAST(practice AS INT) ELSE 1 END = 1",
    "SELECT COUNT(*) FROM patients WHERE strptime(practice, '%Y') IS NOT NULL",
    "SELECT COUNT(*) FROM patients WHERE CAST(practice AS DATE) IS NULL",
    "SELECT COUNT(*) FROM patients WHERE CAST(practice AS DECIMAL(4, 2)) > 0",
    "SELECT COUNT(*) FROM patients WHERE error(practice)",
    "SELECT CAST(SUM(year_of_birth) AS TINYINT) FROM patients",
    "SELECT COUNT(*) FROM patients WHERE 1 // (year_of_birth - 1900) = 0",
    "SELECT COUNT(*) FROM patients WHERE 1 % (year_of_birth - 1900) = 0",
    "SELECT COUNT(*) FROM patients WHERE repeat(practice, 2000000000) = ''",
    "SELECT COUNT(*) FROM patients WHERE (1 << (year_of_birth - 1900)) > 0",
    "SELECT COUNT(*) FROM patients WHERE (SELECT practice FROM patients p WHERE p.year_of_birth = 1900) = 'X'",
    "SELECT COUNT(*) FROM patients WHERE make_date(year_of_birth - 1900, 1, 1) IS NULL",
    "SELECT COUNT(*) FROM patients WHERE chr(year_of_birth - 1901) = 'a'",
    "SELECT COUNT(*) FROM patients WHERE registered_on + INTERVAL (year_of_birth) MONTH > registered_on",
    "SELECT COUNT(*) FROM patients WHERE sqrt(year_of_birth - 1901) > 0",
    "SELECT COUNT(*) FROM patients WHERE exp(2900 - year_of_birth) > 0",
    "SELECT COUNT(*) FROM patients WHERE power(10, 2900 - year_of_birth) > 0",
    "SELECT COUNT(*) FROM patients WHERE practice::INT > 0",
    "SELECT COUNT(*) FROM patients WHERE practice::UUID IS NULL",
    "SELECT COUNT(*) FROM patients WHERE practice::JSON IS NULL",
    "SELECT COUNT(*) FROM patients WHERE 1 / (year_of_birth - 1900) > 0",
    "SELECT COUNT(*) FROM patients WHERE [1, 2][year_of_birth] = 1",
    "SELECT COUNT(*) FROM patients WHERE substring(practice, year_of_birth - 1901) = ''",
    "SELECT COUNT(*) FROM patients WHERE regexp_matches(practice, '(a+)+$')",
    "SELECT DISTINCT region FROM patients",
    "SELECT COUNT(*) FROM patients WHERE EXISTS (SELECT 1 FROM patients p WHERE p.year_of_birth = 1900)",
    "SELECT MIN(year_of_birth) FROM patients",
]
# Answered on both: the numbers are noise over neighbours, all else is the same.
ANSWERED = [
    "SELECT COUNT(*) AS n FROM patients WHERE practice = 'ZZ9999'",
    "SELECT year_of_birth, COUNT(*) AS n FROM patients WHERE year_of_birth <= 1903 GROUP BY year_of_birth",
    "SELECT sex, COUNT(*) AS n FROM patients WHERE died_on IS NULL AND year_of_birth = 1900 GROUP BY sex",
]
# Which rows are shown, and in what order, is decided by what is shown of noisy numbers: all else is the same.
CHOSEN = [
    "SELECT STDDEV(year_of_birth) FROM patients",
    "SELECT COUNT(*) FROM patients HAVING COUNT(*) > 2000",
    "SELECT region, COUNT(*) FROM patients GROUP BY region LIMIT 1",
    "SELECT region, COUNT(*) FROM patients GROUP BY region ORDER BY 2",
    "SELECT practice, COUNT(*) FROM patients GROUP BY practice",
    "SELECT code, COUNT(DISTINCT person) FROM events GROUP BY code",
    "SELECT MEDIAN(year_of_birth) FROM patients",
]
IDS = re.compile(rb"[0-9a-f]{32,64}|tre_[\w-]{43}|\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Za-z0-9+/]{80,}={0,2}")


def add_target(source: Path) -> None:
    """One person more, with one row in every table."""
    patients = f"read_csv('{source}/patients.csv', all_varchar = true)"
    with duckdb.connect() as connection:
        columns = connection.execute(f"DESCRIBE SELECT * FROM {patients}").fetchall()
        (first,) = connection.execute(f"SELECT * FROM {patients} LIMIT 1").fetchall()
    values = {"nhs_number": TARGET, "practice": "ZZ9999", "year_of_birth": "1900", "sex": "U"}
    row = [values.get(column[0], value) for column, value in zip(columns, first, strict=True)]
    with (source / "patients.csv").open("a") as file:
        file.write(",".join('"' + value + '"' if value and "," in value else value or "" for value in row) + "\n")


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Served]]:
    place = tmp_path_factory.mktemp("neighbours")
    shutil.copytree(SAMPLE, place / "with")
    add_target(place / "with")
    furnish(place / "home-without")
    furnish(place / "home-with", place / "with")
    with ExitStack() as stack:
        without = stack.enter_context(Served(place / "home-without"))
        yield without, stack.enter_context(Served(place / "home-with"))


def seen(served: Served, sql: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of one question, ids and times masked."""
    with served.http() as http:
        answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": sql})
    headers = [(name, IDS.sub(b"#", value.encode()).decode()) for name, value in answer.headers.items() if name != "date"]
    return answer.status_code, headers, IDS.sub(b"#", answer.content)


FAILING = (
    "CAST(practice AS INT)", "strptime(practice, '%Y')", "CAST(practice AS DATE)", "CAST(practice AS DECIMAL(4, 2))",
    "error(practice)", "practice::UUID", "practice::JSON", "1 // (year_of_birth - 1900)", "1 % (year_of_birth - 1900)",
    "repeat(practice, 2000000000)", "1 << year_of_birth", "make_date(year_of_birth, 13, 1)", "chr(1899 - year_of_birth)",
    "sqrt(year_of_birth - 1901)", "ln(year_of_birth - 1901)", "registered_on + INTERVAL (year_of_birth * 1000000) MONTH",
)  # fmt: skip


def raw(folder: Path, expression: str) -> str:
    """What a naive gateway shows: the engine's answer without the person's own, or the engine's own words."""
    asked = f"SELECT count(*) FROM patients WHERE CASE WHEN practice = 'ZZ9999' THEN ({expression}) IS NULL ELSE true END"
    with duckdb.connect() as connection:
        typed = "practice, try_cast(year_of_birth AS INT) AS year_of_birth, try_cast(registered_on AS DATE) AS registered_on"
        source = f"read_csv('{folder / 'patients.csv'}', all_varchar = true)"
        connection.execute(f"CREATE TABLE cells AS FROM {source}")
        connection.execute(f"CREATE TABLE patients AS SELECT {typed} FROM cells")
        try:
            connection.execute(asked).fetchall()
        except duckdb.Error as error:
            return str(error)
    return ""


def test_t_err_and_t_bud3_naive_tells_the_neighbours_apart(neighbours: tuple[Served, Served]) -> None:
    """Of the expressions most fail with the person and none without, several with a cell of theirs in the message; a ledger that
    gives back what a failed question was charged has another remainder."""
    without, there = ([raw(folder, one) for one in FAILING] for folder in (SAMPLE, neighbours[1].home.parent / "with"))
    assert not any(without)
    assert sum(map(bool, there)) >= len(FAILING) * 18 / 29 and sum("ZZ9999" in one for one in there) >= 5


@pytest.mark.parametrize("sql", PROBES)
def test_a_probe_is_the_same_on_neighbours(neighbours: tuple[Served, Served], sql: str) -> None:
    without, with_target = (seen(served, sql) for served in neighbours)
    assert without == with_target
    assert without[0] in (400, 422)


def shape(body: dict[str, object]) -> dict[str, object]:
    """An answer without its noisy numbers."""
    rows = [dict.fromkeys(row) for row in body.pop("rows")]  # type: ignore[attr-defined]
    body["disclosure"] = dict(body["disclosure"]) | {"suppressed": 0, "near_threshold": [], "warnings": []}  # type: ignore[call-overload]
    masked: dict[str, object] = json.loads(IDS.sub(b"#", json.dumps(body).encode()))
    return masked | {"rows": rows}


@pytest.mark.parametrize("sql", ANSWERED)
def test_an_answer_differs_in_its_noise_alone(neighbours: tuple[Served, Served], sql: str) -> None:
    bodies = []
    for served in neighbours:
        with served.http() as http:
            answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": sql})
        assert answer.status_code == 200
        bodies.append(shape(answer.json()))
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("sql", CHOSEN)
def test_an_answer_differs_in_its_rows_alone(neighbours: tuple[Served, Served], sql: str) -> None:
    bodies = []
    for served in neighbours:
        with served.http() as http:
            answer = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": sql})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        body["disclosure"] = {name: body["disclosure"][name] for name in ("threshold", "rounding", "policy", "sandbox")}
        bodies.append(shape(body | {"rows": []}))
    assert bodies[0] == bodies[1]


def test_ledger_log_and_catalogue_are_the_same(neighbours: tuple[Served, Served]) -> None:
    """After all of the above, in the same order: budgets to the digit, entries and public pages to the byte."""
    for who, path in (
        ("researcher", "/v1/projects/demo"),
        ("admin", "/v1/datasets/gp/budget"),
        ("researcher", "/v1/datasets/gp"),
        (None, "/"),
        (None, "/readyz"),
        ("auditor", "/v1/audit?limit=1000"),
    ):
        pages = []
        for served in neighbours:
            with served.http(who) as http:
                pages.append(masked_log(http.get(path).content) if "audit" in path else IDS.sub(b"#", http.get(path).content))
        assert pages[0] == pages[1], path


def masked_log(raw: bytes) -> bytes:
    """Entries with ids, digests and times masked; leaves are the same entries in base64, and the number of suppressed rows is
    noise."""
    found = json.loads(raw)
    for entry in found["entries"]:
        entry.pop("leaf")
        entry.pop("suppressed", None)
    return IDS.sub(b"#", json.dumps(found).encode())


# -- T-META: what is told of the records before a question is asked

PREVIEWED = [
    *ANSWERED,
    *CHOSEN,
    *PROBES[:6],
    "SELECT COUNT(*) FROM patients WHERE practice = 'ZZ9998'",
    "SELECT COUNT(*) FROM nobody",
]


def facts(folder: Path) -> tuple[int, ...]:
    """A naive catalogue: how many rows, the ends of a column, how many values it has, how often it has none."""
    asked = "count(*), min(year_of_birth), max(year_of_birth), count(DISTINCT practice), count(*) - count(died_on)"
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {asked} FROM read_csv('{folder / 'patients.csv'}', all_varchar = true)").fetchone()
    assert found is not None
    return tuple(map(int, found))


def test_t_meta_naive_facts_of_the_records_tell(neighbours: tuple[Served, Served]) -> None:
    one, other = facts(SAMPLE), facts(neighbours[1].home.parent / "with")
    assert (other[0], other[3]) == (one[0] + 1, one[3] + 1)


@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/datasets/gp", "/v1/projects", "/v1/me", "/readyz", "/openapi.json"])
def test_t_meta_what_there_is_to_ask_about_is_the_same(neighbours: tuple[Served, Served], path: str) -> None:
    pages = []
    for served in neighbours:
        with served.http() as http:
            answer = http.get(path)
        pages.append((answer.status_code, IDS.sub(b"#", answer.content)))
    assert pages[0] == pages[1] and pages[0][0] == 200


@pytest.mark.parametrize("sql", PREVIEWED)
def test_t_meta_a_preview_is_the_same_bytes(neighbours: tuple[Served, Served], sql: str) -> None:
    """Of a code that only the person has, of one that nobody has, of what is refused: from text and policy alone."""
    pages = []
    for served in neighbours:
        with served.http() as http:
            answer = http.post("/v1/preview", json={"project": "demo", "dataset": "gp", "sql": sql})
        headers = sorted((name, value) for name, value in answer.headers.items() if name != "date")
        pages.append((answer.status_code, headers, IDS.sub(b"#", answer.content)))
    assert pages[0] == pages[1]
    assert b"ZZ9999" not in pages[0][2] or "ZZ9999" in sql


def test_t_meta_made_up_records_are_the_policys(neighbours: tuple[Served, Served], tmp_path: Path) -> None:
    """They take no store and no source: the same from either home's policy."""
    written = []
    for served in neighbours:
        folder = tmp_path / served.home.name
        make_twin(read_policies(served.policies).datasets["gp"], folder, 200)
        with duckdb.connect() as connection:
            written.append([connection.execute(f"FROM '{file}' ORDER BY ALL").fetchall() for file in sorted(folder.iterdir())])
    assert written[0] == written[1]
