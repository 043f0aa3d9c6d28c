"""The sample: the same bytes for the same seed, of England's shape, and wrong as often as it says."""

from __future__ import annotations

import hashlib
from math import gcd
from pathlib import Path

import duckdb
import pytest

from tre.errors import Unfit
from tre.persons import valid_nhs_number, valid_nhs_number_sql
from tre.policy import read_policies
from tre.sample import LARGEST, figures, generate, people

HERE = Path(__file__).parents[2]
GP = read_policies(HERE / "policies")
PERSONS = 30_000


def digests(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.*")) if path.suffix != ".md"
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    """A sample, each of its tables a view."""
    out = tmp_path_factory.mktemp("sample")
    generate(out, PERSONS, seed=3)
    connection = duckdb.connect()
    for path in out.iterdir():
        reading = f"read_csv('{path}', header = false, columns = {{'line': 'VARCHAR'}}, delim = '|')"
        connection.execute(f"CREATE VIEW {path.stem} AS SELECT * FROM {reading if path.suffix == '.txt' else repr(str(path))}")
    return connection


def one(sample: duckdb.DuckDBPyConnection, query: str) -> float:
    row = sample.execute(query).fetchone()
    assert row is not None
    return float(row[0])


def test_the_committed_sample_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    generate(tmp_path, 2_000, 20_260_630, form="csv")
    assert digests(tmp_path) == digests(HERE / "sample_data")


def test_the_same_seed_makes_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generate(tmp_path / name, 1_000, seed)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert not set(digests(tmp_path / "a").values()) & set(digests(tmp_path / "c").values())


def test_a_larger_sample_begins_with_the_smaller_one(tmp_path: Path) -> None:
    generate(tmp_path / "a", 500, 1, form="csv")
    generate(tmp_path / "b", 1_000, 1, form="csv")
    assert (tmp_path / "b/patients.csv").read_text().startswith((tmp_path / "a/patients.csv").read_text())


def test_nothing_is_left_half_written(tmp_path: Path) -> None:
    told: list[tuple[str, float]] = []
    generate(tmp_path, 10, 1, lambda what, fraction: told.append((what, fraction)))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("cleared.txt", "events.parquet", "measurements.parquet", "opt_outs.csv", "patients.parquet", "prescriptions.parquet"),
    ]
    assert told[-1] == ("writing the sample", 1.0)


@pytest.mark.parametrize("persons", [0, LARGEST + 1])
def test_a_number_of_people_out_of_range_is_refused(tmp_path: Path, persons: int) -> None:
    with pytest.raises(Unfit):
        generate(tmp_path, persons, 1)


def test_numbers_are_valid_and_distinct_far_out() -> None:
    connection = duckdb.connect(config={"threads": "1"})
    for statement in people.declarations(9):
        connection.execute(statement)
    for first in (0, LARGEST - 20_000):
        numbers = connection.execute(
            "SELECT number FROM numbered($first, $past)", {"first": first, "past": first + 20_000}
        ).fetchall()
        assert len(set(numbers)) == 20_000
        assert all(valid_nhs_number(number) for (number,) in numbers)


def test_numbers_are_distinct_by_arithmetic() -> None:
    """Nine numbers of each of the ten million beginnings but the last; the map onto them is one to one."""
    assert gcd(people.FACTOR, people.NUMBERS) == 1
    assert people.NUMBERS // 9 < 10_000_000 - 1 and people.NUMBERS > LARGEST * 1.05 + 1


def test_places_are_the_policy_s() -> None:
    columns = GP.datasets["gp"].tables["patients"].columns
    boards = {f"NHS {name} Integrated Care Board" for boards in figures.BOARDS.values() for name in boards}
    assert boards == set(columns["board"].values) and len(boards) == 42
    assert set(figures.BOARDS) == set(columns["region"].values) == set(figures.ETHNICITY) == set(figures.DEPRIVATION)


def test_conditions_are_the_code_lists() -> None:
    assert {condition.name for condition in figures.CONDITIONS} == set(GP.codelists)
    for condition in figures.CONDITIONS:
        assert set(condition.codes) <= set(GP.codelists[condition.name])
    assert not set(figures.CONTACTS) & {code for codes in GP.codelists.values() for code in codes}


def test_columns_are_the_policy_s(sample: duckdb.DuckDBPyConnection) -> None:
    for name, table in GP.datasets["gp"].tables.items():
        columns = [row[0] for row in sample.execute(f"DESCRIBE {name}").fetchall()]
        assert columns == ["nhs_number", *table.columns]


def test_people_are_where_england_s_are(sample: duckdb.DuckDBPyConnection) -> None:
    shares = dict(sample.execute("SELECT region, count(*) / sum(count(*)) OVER () FROM patients GROUP BY region").fetchall())
    whole = sum(sum(boards.values()) for boards in figures.BOARDS.values())
    for region, boards in figures.BOARDS.items():
        assert shares[region] == pytest.approx(sum(boards.values()) / whole, abs=0.015)
    assert one(sample, "SELECT count(DISTINCT board) FROM patients") == 42
    assert (
        one(sample, "SELECT count(*) FROM (SELECT practice FROM patients GROUP BY practice HAVING count(DISTINCT board) > 1)")
        == 0
    )
    assert 4_000 < one(sample, "SELECT count(DISTINCT practice) FROM patients") <= 6_132


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("SELECT avg((sex = 'F')::INT) FROM patients", 0.49, 0.53),
        ("SELECT avg(2026 - year_of_birth::INT) FILTER (year_of_birth > '1900') FROM patients", 39, 43),
        (
            "SELECT corr(imd_decile::INT, (region = 'North West')::INT) FROM patients WHERE imd_decile NOT IN ('NaN', '11')",
            -0.2,
            -0.02,
        ),
        ("SELECT (SELECT count(*) FROM events) / (SELECT count(*) FROM patients)", 6, 9),
        ("SELECT (SELECT count(*) FROM prescriptions) / (SELECT count(*) FROM patients)", 6, 9),
        ("SELECT avg(value::DOUBLE) FROM measurements WHERE kind = 'bmi' AND value NOT IN ('NaN', '9999')", 26, 28.5),
        ("SELECT count(DISTINCT nhs_number) / 30000 FROM opt_outs", 0.015, 0.025),
        ("SELECT count(DISTINCT replace(nhs_number, ' ', '')) / 30000 FROM measurements WHERE kind = 'hba1c'", 0.12, 0.3),
    ],
)
def test_figures_are_about_right(sample: duckdb.DuckDBPyConnection, query: str, low: float, high: float) -> None:
    assert low < one(sample, query) < high


def test_conditions_are_as_common_as_published(sample: duckdb.DuckDBPyConnection) -> None:
    expected = {"hypertension": 14.5, "diabetes": 6.3, "asthma": 6.5, "depression": 11, "chd": 3.2, "copd": 2, "dementia": 0.8}
    for name, percent in expected.items():
        codes = ", ".join(f"'{code}'" for code in GP.codelists[name])
        found = one(sample, f"SELECT count(DISTINCT replace(nhs_number, ' ', '')) FROM events WHERE code IN ({codes})")
        assert found / PERSONS * 100 == pytest.approx(percent, rel=0.25), name


def test_hba1c_is_higher_with_diabetes(sample: duckdb.DuckDBPyConnection) -> None:
    codes = ", ".join(f"'{code}'" for code in GP.codelists["diabetes"])
    query = f"""SELECT avg(value::DOUBLE) FILTER (diabetic) - avg(value::DOUBLE) FILTER (NOT diabetic) FROM (
        SELECT value, nhs_number IN (SELECT nhs_number FROM events WHERE code IN ({codes})) AS diabetic
        FROM measurements WHERE kind = 'hba1c' AND value NOT IN ('NaN', '9999'))"""
    assert one(sample, query) > 15


def test_about_one_row_in_a_hundred_is_wrong(sample: duckdb.DuckDBPyConnection) -> None:
    number = f"NOT {valid_nhs_number_sql(chr(39).join(['replace(nhs_number, ', ' ', ', ', '', ')']))}"
    date = "try_cast(date AS DATE) IS NULL OR date < '2000'"
    wrong = {
        "patients": f"{number} OR sex = 'X' OR year_of_birth = '1850' OR ethnicity = 'Martian' OR imd_decile IN ('11', 'NaN') "
        "OR try_cast(registered_on AS DATE) IS NULL",
        "events": f"{number} OR {date} OR code = ''",
        "measurements": f"{number} OR {date} OR kind = 'weight' OR value IN ('NaN', '9999')",
        "prescriptions": f"{number} OR {date} OR quantity IN ('-1', 'NaN')",
    }
    for table, condition in wrong.items():
        assert 0.005 < one(sample, f"SELECT avg(({condition})::INT) FROM {table}") < 0.02, table


def test_opt_outs_name_each_regime_and_a_few_wrong_numbers(sample: duckdb.DuckDBPyConnection) -> None:
    regimes = dict(sample.execute("SELECT regime, count(*) FROM opt_outs GROUP BY regime").fetchall())
    assert set(regimes) == {"type-1", "national", "local"} and all(regimes.values())
    numbers = [str(number) for (number,) in sample.execute("SELECT nhs_number FROM opt_outs").fetchall()]
    assert 0 < sum(not valid_nhs_number(number) for number in numbers) < len(numbers) / 20


def test_the_cleared_are_a_number_and_a_comma_a_line_and_most_people(sample: duckdb.DuckDBPyConnection) -> None:
    """As the check service replies: nobody twice, no number that is none; about one in twenty is not on it."""
    lines = [line for (line,) in sample.execute("SELECT line FROM cleared").fetchall()]
    numbers = {line.removesuffix(",") for line in lines}
    assert all(line.endswith(",") for line in lines) and len(numbers) == len(lines) and all(map(valid_nhs_number, numbers))
    people = {number for (number,) in sample.execute("SELECT nhs_number FROM patients").fetchall() if valid_nhs_number(number)}
    people = {number.replace(" ", "") for number in people}
    assert 0.04 < 1 - len(people & numbers) / len(people) < 0.07
    assert numbers - people
