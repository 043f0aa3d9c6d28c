"""Sources that are not what they should be: refused in a sentence that holds no value, or counted, never lost in silence."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from tests.store.conftest import KEY, ward_policy
from tests.store.ward import ALICE, BOB, PATIENTS, VISITS, a_patient, write
from tre.errors import Fault, Unfit
from tre.policy import DatasetPolicy
from tre.store import load
from tre.store import writing as store_writing


def test_lines_that_are_not_csv_are_counted_and_the_rest_kept(ward: DatasetPolicy, tmp_path: Path) -> None:
    lines = [a_patient(ALICE), f"{BOB},F,a\n", f"{BOB},F,a,1950,1,A1,,,extra\n", "\n", a_patient("9000000068")]
    source = write(tmp_path / "source", visits=VISITS)
    (source / "patients.csv").write_bytes((PATIENTS + "".join(lines)).encode() + f"{BOB},F,a,1950,1,".encode() + b"\xff,\n")
    loaded = load(ward, source, tmp_path / "store", KEY)
    assert loaded.accepted == {"patients": 2, "visits": 0}
    assert loaded.rejected["patients"] == {"line malformed": 3}


def test_line_ends_and_a_byte_order_mark_are_taken_as_they_come(ward: DatasetPolicy, tmp_path: Path) -> None:
    source = write(tmp_path / "source", visits=VISITS.replace("\n", "\r\n"))
    (source / "patients.csv").write_bytes(b"\xef\xbb\xbf" + (PATIENTS + a_patient(ALICE)).replace("\n", "\r\n").encode())
    assert load(ward, source, tmp_path / "store", KEY).accepted == {"patients": 1, "visits": 0}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"patients.csv": PATIENTS}, "has neither visits.csv nor visits.parquet; give one of them"),
        ({"patients.csv": PATIENTS, "visits.csv": VISITS, "visits.parquet": ""}, "has both visits.csv and visits.parquet; give"),
        (
            {"patients.csv": PATIENTS, "visits.csv": "nhs_number,date,code\n"},
            "visits.csv has no column value; the policy of ward",
        ),
        ({"patients.csv": PATIENTS, "visits.csv": "number,date,code,value\n"}, "visits.csv has no column nhs_number; the policy"),
        ({"patients.csv": PATIENTS, "visits.csv": VISITS[:-1] + ",date\n"}, "first line does not name its columns, each once"),
        ({"patients.csv": PATIENTS, "visits.csv": ""}, "first line does not name its columns, each once"),
        (
            {"patients.csv": PATIENTS, "visits.csv": "SECRET\xff\n"},
            "visits.csv cannot be read; give it as UTF-8 text with commas",
        ),
        ({"patients.csv": PATIENTS, "visits.parquet": "SECRET"}, "visits.parquet cannot be read as Parquet"),
    ],
)
def test_a_source_that_cannot_be_loaded_is_refused(
    ward: DatasetPolicy, tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in files.items():
        (source / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(Unfit, match=re.escape(sentence)) as refused:
        load(ward, source, tmp_path / "store", KEY)
    assert "SECRET" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_parquet_file_that_is_broken_inside_is_refused(ward: DatasetPolicy, tmp_path: Path) -> None:
    source = write(tmp_path / "source", patients=PATIENTS + a_patient(ALICE))
    query = f"SELECT '{ALICE}' AS nhs_number, '2020-01-01' AS date, 'SECRET' || i AS code, 1 AS value FROM range(5000) t(i)"
    path = source / "visits.parquet"
    duckdb.sql(f"COPY ({query}) TO '{path}' (FORMAT parquet, COMPRESSION uncompressed)")
    raw = bytearray(path.read_bytes())
    raw[1000:9000] = b"\xff" * 8000
    path.write_bytes(bytes(raw))
    with pytest.raises(Unfit) as refused:
        load(ward, source, tmp_path / "store", KEY)
    assert str(refused.value).startswith(f"{path} cannot be read to its end; ")
    assert refused.value.__suppress_context__


def test_a_path_that_could_name_several_files_is_refused(ward: DatasetPolicy, tmp_path: Path) -> None:
    source = write(tmp_path / "so*rce", patients=PATIENTS, visits=VISITS)
    with pytest.raises(Unfit, match="names several files"):
        load(ward, source, tmp_path / "store", KEY)


def test_more_persons_than_the_policy_allows_are_refused(tmp_path: Path, planted: Path) -> None:
    policy = ward_policy(tmp_path / "policy").model_copy(update={"max_persons": 10})
    with pytest.raises(Unfit, match="more persons than the policy's max_persons"):
        load(policy, planted, tmp_path / "store", KEY)


def test_an_error_of_the_engine_shows_no_value(
    ward: DatasetPolicy, planted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB's own messages carry values of rows; ours is a word."""
    told = "error('this is ' || {})::BLOB || $inner_pad || $outer_pad"
    monkeypatch.setattr(store_writing, "pseudonym_sql", told.format)
    with pytest.raises(Fault) as fault:
        load(ward, planted, tmp_path, KEY)
    assert str(fault.value) == "load" and fault.value.__cause__ is None and fault.value.__suppress_context__


def test_progress_is_told(ward: DatasetPolicy, planted: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, float]] = []
    load(ward, planted, tmp_path, KEY, progress=lambda what, fraction: steps.append((what, fraction)))
    assert [what for what, _ in steps][:3] == ["reading patients.csv", "reading visits.csv", "making pseudonyms"]
    fractions = [fraction for _, fraction in steps]
    assert fractions == sorted(fractions) and fractions[0] == 0 and fractions[-1] < 1


@pytest.mark.parametrize(("first", "second"), [("\n", "\r\n"), ("\r\n", "\n"), ("\n", "\r"), ("\r\n", "\r")])
@pytest.mark.parametrize("alike", [1, 3])
@pytest.mark.parametrize("died_on", ["", "2020-01-01"])
def test_no_row_is_lost_in_silence_where_lines_end_in_two_ways(
    ward: DatasetPolicy, tmp_path: Path, first: str, second: str, alike: int, died_on: str
) -> None:
    source = write(tmp_path / "source", visits=VISITS)
    rows = [f"{number},F,a,1950,1,A1,{died_on}\n" for number in (ALICE, BOB, "9000000068", "9000000084", "9000000106")]
    ended = [line.replace("\n", first if n < alike else second) for n, line in enumerate([PATIENTS, *rows])]
    (source / "patients.csv").write_bytes("".join(ended).encode())
    try:
        loaded = load(ward, source, tmp_path / "store", KEY)
    except Unfit as refused:
        assert "with lines that all end alike" in str(refused)
    else:
        assert not died_on and loaded.accepted["patients"] == len(rows)
