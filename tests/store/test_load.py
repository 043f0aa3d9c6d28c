"""What becomes of every row of a source: kept, kept with a NULL, or rejected for a reason that is counted."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.store.conftest import KEY, POLICIES, ward_policy
from tests.store.plain import Plain, stored
from tests.store.ward import ALICE, BOB, PATIENTS, VISITS, a_patient, facts, rows_of, with_check_digit, write
from tre.persons import pseudonym
from tre.policy import DatasetPolicy, read_policies
from tre.store import Loaded, load

SAMPLE = POLICIES.parent / "sample_data"


def told(planted: Path, table: str) -> Counter[str]:
    return Counter(row["expect"] for row in rows_of(planted / f"{table}.csv"))


@pytest.mark.parametrize("table", ["patients", "visits"])
def test_each_planted_row_becomes_what_it_says(loaded: Loaded, planted: Path, table: str) -> None:
    expected = told(planted, table)
    assert loaded.accepted[table] == expected["accepted"] + sum(n for why, n in expected.items() if why.startswith("nulled"))
    over = {"over the row cap": expected["over"]} if expected["over"] else {}
    for kind, counts in (("rejected", loaded.rejected[table]), ("nulled", loaded.nulled[table])):
        by_reason = {why.removeprefix(f"{kind} "): n for why, n in expected.items() if why.startswith(kind)}
        assert dict(counts) == by_reason | (over if kind == "rejected" else {})


def agrees(policy: DatasetPolicy, source: Path, loaded: Loaded, leave_out: list[bytes] | None = None) -> None:
    """A load says and holds what plain Python finds."""
    plain, found = Plain(policy, source, KEY, leave_out or []), stored(policy, loaded.snapshot)
    for name, table in policy.tables.items():
        rejected = {why: n for why, n in loaded.rejected[name].items() if why != "over the row cap"}
        assert rejected == dict(plain.rejected[name])
        assert loaded.accepted[name] + sum(loaded.rejected[name].values()) == plain.rows[name]
        assert dict(loaded.nulled[name]) == dict(plain.nulled[name])
        assert set(found[name]) == set(plain.people[name])
        for person, rows in plain.people[name].items():
            assert found[name][person] <= rows
            assert found[name][person].total() == min(rows.total(), table.row_cap)


def test_the_planted_rows_are_stored_as_plain_python_reads_them(ward: DatasetPolicy, planted: Path, loaded: Loaded) -> None:
    agrees(ward, planted, loaded)


def test_the_sample_is_stored_as_plain_python_reads_it(tmp_path: Path) -> None:
    gp = read_policies(POLICIES).datasets["gp"]
    objecting = [pseudonym(KEY, row["nhs_number"]) for row in rows_of(SAMPLE / "opt_outs.csv")]
    agrees(gp, SAMPLE, load(gp, SAMPLE, tmp_path, KEY, iter(objecting)), objecting)


NASTY = "0123456789+-.eE_ xNinfa\t\u00a0\u0660\u2212é,;'\"\n\r\\/:"
WORDS = [
    "nan",
    "-inf",
    "1e5",
    "0x1",
    "2020-01-01",
    "2020-02-30",
    "2020-1-1",
    "0000-00-00",
    "2020-01-01 ",
    "F",
    "M",
    "b c",
    "d's",
    "",
    " ",
]


def nasty(random: Random, plausible: Callable[[], str]) -> str:
    """A cell that a source can hold: what is expected, a near miss, or anything."""
    text, cut = plausible(), random.randrange(9)
    anything = "".join(random.choice(NASTY) for _ in range(random.randrange(1, 12)))
    return random.choice([text, text, text[:cut] + random.choice(NASTY) + text[cut:], anything, random.choice(WORDS)])


def test_thousands_of_nasty_cells_are_read_as_plain_python_reads_them(ward: DatasetPolicy, tmp_path: Path) -> None:
    random = Random(5)

    def day() -> str:
        return f"20{random.randrange(30):02}-{random.randrange(1, 13):02}-{random.randrange(1, 31):02}"

    patients: list[Callable[[], str]] = [
        lambda: random.choice("FM"),
        lambda: random.choice(["a", "b c", "d's"]),
        lambda: str(random.randrange(1895, 2030)),
        lambda: str(random.randrange(-6, 7)),
        lambda: "P" * random.randrange(1, 42),
        day,
    ]
    visits = [day, patients[4], lambda: str(Decimal(random.randrange(-5_000, 450_000)) / 2000)]
    numbers = [number for nine in range(900_001_000, 900_003_000) if (number := with_check_digit(nine))]
    for table, kinds, heading, rare in (("patients", patients, PATIENTS, 0.8), ("visits", visits, VISITS, 0.0)):
        with (tmp_path / f"{table}.csv").open("w", newline="") as out:
            out.write(heading.replace("\n", "\r\n"))
            for number in numbers * (1 if rare else 2):
                cells = [kind() if random.random() < rare else nasty(random, kind) for kind in kinds]
                csv.writer(out).writerow([number, *cells])
    loaded = load(ward, tmp_path, tmp_path / "store", KEY)
    assert loaded.accepted["patients"] > 300 and sum(loaded.rejected["visits"].values()) > 1_000
    agrees(ward, tmp_path, loaded)


TYPED = {
    "patients": 'nhs_number::BIGINT AS nhs_number, trim(sex) AS sex, "group", year_of_birth::DOUBLE AS year_of_birth,'
    " decile::TINYINT AS decile, practice, died_on::TIMESTAMP AS died_on",
    "visits": "nhs_number, date::DATE AS date, code, value::DOUBLE AS value",
}


@pytest.mark.parametrize("typed", [False, True])
def test_parquet_is_stored_as_csv_is(ward: DatasetPolicy, tmp_path: Path, typed: bool) -> None:
    """The same rows as text and as numbers and dates, NaN and infinity among them."""
    source = write(
        tmp_path / "csv",
        patients=PATIENTS + f"{ALICE},F,a,1950,1,A1,2020-01-01\n{BOB},M,,2000,-5,,\n",
        visits=VISITS + f"{ALICE},2020-01-01,c1,10.25\n{ALICE},2020-01-02,c2,nan\n{BOB},2020-01-02,c2,inf\n{BOB},2020-01-03,,\n",
    )
    (tmp_path / "parquet").mkdir()
    for name, columns in TYPED.items():
        reading = f"SELECT {columns if typed else '*'} FROM read_csv('{source}/{name}.csv', all_varchar = true)"
        duckdb.sql(f"COPY ({reading}) TO '{tmp_path}/parquet/{name}.parquet'")
    one, other = (load(ward, tmp_path / form, tmp_path / "store", KEY) for form in ("csv", "parquet"))
    assert stored(ward, one.snapshot) == stored(ward, other.snapshot)
    assert (one.accepted, one.nulled) == (other.accepted, other.nulled)
    assert dict(one.nulled["visits"]) == {"value unparsable": 2}


def test_numbers_of_a_source_that_do_not_fit_are_told(ward: DatasetPolicy, tmp_path: Path) -> None:
    source = write(tmp_path / "source", patients=PATIENTS + a_patient(ALICE))
    values = "(1, 1e300::DOUBLE), (2, 'inf'), (3, '-inf'), (4, 'nan'), (5, 1e15), (6, 0.25), (7, -0.74999999)"
    query = f"SELECT '{ALICE}' AS nhs_number, DATE '2020-01-01' AS date, 'c' AS code, v AS value FROM (VALUES {values}) t(n, v)"
    duckdb.sql(f"COPY ({query}) TO '{source}/visits.parquet'")
    policy = ward_policy(tmp_path / "policy", "row_cap: 3", "row_cap: 30")
    loaded = load(policy, source, tmp_path / "store", KEY)
    assert dict(loaded.nulled["visits"]) == {"value unparsable": 5}
    kept = stored(policy, loaded.snapshot)["visits"][pseudonym(KEY, ALICE)]
    assert sorted(row[2] for row in kept.elements() if row[2] is not None) == [-2, 1]  # −0.75 and 0.25 in steps of 0.5


def test_ranges_of_persons_make_the_same_snapshot(
    ward: DatasetPolicy, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five persons at a time, under the same secret: the same rows at the same places, and nothing left of what was between."""
    monkeypatch.setattr("tre.store.writing.secrets.randbits", lambda bits: 2**bits // 3)
    whole, told = load(ward, planted, tmp_path / "whole", KEY), list[tuple[str, float]]()
    monkeypatch.setattr("tre.store.writing.RANGE", 5)
    ranges = load(ward, planted, tmp_path / "ranges", KEY, (), lambda what, fraction: told.append((what, fraction)))
    for relation in ("persons.persons", "persons.patients", "persons.codes_patients_practice"):
        assert facts(ranges, relation) == facts(whole, relation)
    for relation in ("events.visits", "events.codes_visits_code"):
        assert facts(ranges, relation) == facts(whole, relation)
    assert (ranges.accepted, ranges.rejected, ranges.nulled) == (whole.accepted, whole.rejected, whole.nulled)
    agrees(ward, planted, ranges)
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] < 1
    assert [what for what, _ in told].count("writing visits") > 2
    assert not [path for path in (tmp_path / "ranges").rglob("*part*") if path.suffix == ".parquet"]


def test_the_sample_in_ranges_is_stored_as_plain_python_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tre.store.writing.RANGE", 300)
    gp = read_policies(POLICIES).datasets["gp"]
    agrees(gp, SAMPLE, load(gp, SAMPLE, tmp_path, KEY))


# ------------------------------------------------------------------------------------------------------------ leaving out
def test_people_left_out_never_enter(ward: DatasetPolicy, planted: Path, tmp_path: Path) -> None:
    """A load without a person holds what a load of a source that never had them holds."""
    numbers = [row["nhs_number"] for row in rows_of(planted / "patients.csv")]
    gone = [numbers[0], numbers[41 - 3]]
    without = tmp_path / "without"
    without.mkdir()
    for table in ward.tables:
        lines = (planted / f"{table}.csv").read_text().splitlines(True)
        (without / f"{table}.csv").write_text("".join(line for line in lines if not line.startswith(tuple(gone))))
    left_out = [pseudonym(KEY, number) for number in gone]
    one = load(ward, planted, tmp_path / "store", KEY, iter(left_out))
    other = load(ward, without, tmp_path / "store", KEY)
    agrees(ward, planted, one, left_out)
    assert stored(ward, one.snapshot) == stored(ward, other.snapshot)
    assert facts(one, "persons.persons") == facts(other, "persons.persons")
    for dictionary in ("persons.codes_patients_practice", "events.codes_visits_code"):
        codes = [{code for _, code in facts(each, dictionary)} for each in (one, other)]
        assert codes[0] == codes[1]
    assert one.rejected["patients"]["person left out"] == 2


def test_a_code_that_only_they_had_is_nowhere(ward: DatasetPolicy, tmp_path: Path) -> None:
    source = write(
        tmp_path / "source",
        patients=PATIENTS + a_patient(ALICE) + f"{BOB},F,a,1950,1,BOBSPRACTICE,\n",
        visits=VISITS + f"{BOB},2020-01-01,BOBSCODE,1\n{ALICE},2020-01-01,other,1\n",
    )
    loaded = load(ward, source, tmp_path / "store", KEY, [pseudonym(KEY, BOB)])
    for file in Path(loaded.snapshot.folder).glob("*.duckdb"):
        assert b"BOBS" not in file.read_bytes()
    kept = load(ward, source, tmp_path / "store", KEY)
    assert any(b"BOBS" in file.read_bytes() for file in Path(kept.snapshot.folder).glob("*.duckdb"))


# ------------------------------------------------------------------------------------------------------- persons and ranks
def test_persons_are_numbered_in_the_order_of_their_pseudonyms(loaded: Loaded, planted: Path) -> None:
    kept = [row["nhs_number"] for row in rows_of(planted / "patients.csv") if row["expect"][0] in "an"]
    assert facts(loaded, "persons.persons") == list(enumerate(sorted(pseudonym(KEY, number) for number in kept)))


def test_another_key_makes_other_pseudonyms(ward: DatasetPolicy, planted: Path, tmp_path: Path, loaded: Loaded) -> None:
    other = load(ward, planted, tmp_path, bytes(32))
    assert not {p for _, p in facts(loaded, "persons.persons")} & {p for _, p in facts(other, "persons.persons")}


def test_the_cap_keeps_the_lowest_ranks_and_each_load_draws_them_anew(ward: DatasetPolicy, tmp_path: Path) -> None:
    visits = "".join(f"{ALICE},2020-01-{day:02},c,{day}\n" for day in range(1, 21))
    source = write(tmp_path / "source", patients=PATIENTS + a_patient(ALICE) + a_patient(ALICE), visits=VISITS + visits)
    kept = []
    for _ in range(5):
        loaded = load(ward, source, tmp_path / "store", KEY)
        assert loaded.rejected == {"patients": {"over the row cap": 1}, "visits": {"over the row cap": 17}}
        rows = facts(loaded, "events.visits")
        assert [row[-1] for row in rows] == [0, 1, 2]
        kept.append(tuple(row[3] for row in rows))
    assert len(set(kept)) > 1  # all five alike: one chance in 6,840 to the fourth


def test_ranks_favour_no_row(tmp_path: Path) -> None:
    """900 persons with 4 rows each, one of them kept: each place is kept as often, within five standard errors."""
    caps = "max_rows: {0}\n    max_groups: {0}\n    row_cap: {1}"
    policy = ward_policy(tmp_path / "policy", caps.format(2, 3), caps.format(1, 1))
    numbers = [number for nine in range(900_001_000, 900_002_100) if (number := with_check_digit(nine))][:900]
    source = write(
        tmp_path / "source",
        patients=PATIENTS + "".join(map(a_patient, numbers)),
        visits=VISITS + "".join(f"{number},2020-01-01,c,{place}\n" for number in numbers for place in range(4)),
    )
    rows = facts(load(policy, source, tmp_path / "store", KEY), "events.visits")
    kept = Counter(row[3] for row in rows)
    assert len(rows) == 900
    for place in range(4):
        assert abs(kept[2 * place] - 225) < 5.5 * (900 * 0.25 * 0.75) ** 0.5, kept


def test_nobody_moves_the_rows_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """900 persons, each with two rows that differ, of which one is kept: without the first person, under the same secret, the
    kept rows of all others are the same."""
    monkeypatch.setattr("tre.store.writing.secrets.randbits", lambda bits: 2**bits // 3)
    policy = ward_policy(tmp_path / "policy")
    numbers = [number for nine in range(900_001_000, 900_002_100) if (number := with_check_digit(nine))][:900]

    def kept(of: list[str]) -> dict[object, object]:
        rows = "".join(a_patient(number).replace(",F,", f",{sex},") for number in of for sex in "FM")
        source = write(tmp_path / f"source-{len(of)}", patients=PATIENTS + rows, visits=VISITS)
        loaded = load(policy, source, tmp_path / "store", KEY)
        return {row[1]: row[2] for row in facts(loaded, "persons.persons JOIN persons.patients USING (person)")}

    everybody, others = kept(numbers), kept(numbers[1:])
    assert len(others) == 899 and others.items() <= everybody.items()
    assert 300 < Counter(everybody.values())[0] < 600  # ten standard errors


def test_persons_named_by_any_text(tmp_path: Path) -> None:
    """A dataset without a check: text identifiers, spaces aside."""
    policy = ward_policy(tmp_path / "policy", "check: nhs-number", "check: none")
    source = write(
        tmp_path / "source",
        patients=PATIENTS + a_patient("x 1") + a_patient("Ünal") + a_patient("") + a_patient("007"),
        visits=VISITS + "x1,2020-01-01,c,1\n7,2020-01-01,c,1\n",
    )
    loaded = load(policy, source, tmp_path / "store", KEY)
    assert {p for _, p in facts(loaded, "persons.persons")} == {pseudonym(KEY, text) for text in ("x1", "Ünal", "007")}
    assert loaded.rejected == {"patients": {"nhs_number invalid": 1}, "visits": {"no row of the person": 1}}


def test_a_dataset_of_many_rows_alone(tmp_path: Path) -> None:
    """Without a one-row table, the persons are those of all tables."""
    whole = ward_policy(tmp_path / "policy")
    policy = whole.model_copy(update={"tables": {"visits": whole.tables["visits"]}})
    source = write(tmp_path / "source", visits=VISITS + f"{ALICE},2020-01-01,c,1\n{BOB},2020-01-01,c,1\n{BOB},2020-01-02,c,1\n")
    loaded = load(policy, source, tmp_path / "store", KEY)
    assert loaded.accepted == {"visits": 3} and len(facts(loaded, "persons.persons")) == 2


def test_an_empty_source_is_a_snapshot_of_nobody(ward: DatasetPolicy, tmp_path: Path) -> None:
    loaded = load(ward, write(tmp_path / "source", patients=PATIENTS, visits=VISITS), tmp_path / "store", KEY)
    assert loaded.accepted == {"patients": 0, "visits": 0} and loaded.rejected == {"patients": {}, "visits": {}}
