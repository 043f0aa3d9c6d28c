"""Each class of purposes against each regime, from the policy: who objected under a regime in force is left out, who objected
under another one is not; and nothing beside a person's row says that they objected."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.optouts.conftest import AT
from tests.properties.leaving import KEY, NUMBERS, POLICY, pseudonyms, write_sources
from tests.serving import POLICIES
from tests.store.conftest import ward_policy
from tests.vault.building import TABLES
from tre import optouts
from tre.errors import Refusal
from tre.optouts.tables import REGIMES
from tre.plan.nodes import Plan, Scan, Statistic
from tre.policy import read_policies
from tre.state import State
from tre.store import enlist, exclude, load
from tre.terms import Snapshot

PURPOSES = read_policies(POLICIES).purposes
# One person for each choice of ways to object; the last way is not to be on the check service's list.
WAYS = (*REGIMES, "not-cleared")
PEOPLE = [frozenset(some) for count in range(len(WAYS) + 1) for some in itertools.combinations(WAYS, count)]
COUNT = Plan("gp", Scan("patients", 1), (), (Statistic("n", "persons"),), ("n",))


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    row = {name: domain.values[0] if domain.values else domain.low for name, domain in TABLES["patients"].domains.items()}
    people = [{**row, "practice": None, "person": person} for person in range(len(PEOPLE))]
    return load(
        POLICY, write_sources(tmp_path / "source", {"patients": people, "events": [], "visits": []}), tmp_path, KEY
    ).snapshot


@pytest.fixture
def cleared(state: State, tmp_path: Path) -> Iterator[Path]:
    """Everybody objects as they do, the check service clears whom it clears."""
    for regime in REGIMES:
        who = pseudonyms(person for person, ways in enumerate(PEOPLE) if regime in ways)
        state.write(lambda tx, regime=regime, who=who: optouts.apply(tx, regime, who, {}, "a test", AT))  # type: ignore[misc]
    reply = tmp_path / "reply.txt"
    reply.write_text("".join(f"{NUMBERS[person]},\n" for person, ways in enumerate(PEOPLE) if "not-cleared" not in ways))
    made = enlist(reply, tmp_path / "registers", KEY)
    state.write(
        lambda tx: optouts.clear(
            tx, made.name, people=made.people, repeated=made.repeated, rejected=made.rejected, source="a test", at=AT
        )
    )
    yield made.file


def left_out(state: State, snapshot: Snapshot, regimes: tuple[str, ...], national: optouts.National, file: Path) -> set[int]:
    """Whom a question under these regimes leaves out, as numbers of PEOPLE."""
    with state.read() as tx:
        stand = optouts.check_age(tx, regimes, AT, 7, national)
        assert stand.cleared == (file.stem if "national" in regimes and national == "check-service" else None)
        made = exclude(
            snapshot,
            stand.version,
            regimes,
            optouts.pseudonyms(tx, regimes),
            stand.as_of,
            file if stand.cleared is not None else None,
        )
    with (
        duckdb.connect(made.file, read_only=True) as exclusion,
        duckdb.connect(f"{snapshot.folder}/persons.duckdb", read_only=True) as records,
    ):
        gone = {person for (person,) in exclusion.execute("SELECT person FROM excluded").fetchall()}
        known = dict(records.execute("SELECT person, pseudonym FROM persons").fetchall())
    names = {one: person for person, one in enumerate(pseudonyms(range(len(PEOPLE))))}
    return {names[known[person]] for person in gone}


@pytest.mark.parametrize("national", ["check-service", "objections"])
@pytest.mark.parametrize("purpose", sorted(PURPOSES))
def test_who_is_left_out(purpose: str, national: optouts.National, state: State, snapshot: Snapshot, cleared: Path) -> None:
    exempt = ("an exemption",) if PURPOSES[purpose].exemption_required else ()
    regimes = optouts.restrict(COUNT, purpose, PURPOSES[purpose].regimes, exempt).regimes
    counts = {*regimes} | ({"not-cleared"} if national == "check-service" and "national" in regimes else set())
    assert left_out(state, snapshot, regimes, national, cleared) == {
        person for person, ways in enumerate(PEOPLE) if ways & counts
    }


def test_each_regime_decides_alone_and_a_regime_is_lifted_by_an_exemption_only() -> None:
    """Two regimes are independent: type 1 at load and at each question, national at each question that needs it."""
    in_force = {purpose: set(told.regimes) for purpose, told in PURPOSES.items()}
    assert in_force == {"research": set(REGIMES), "planning": set(REGIMES), "communicable-disease": {"type-1"}}
    assert [purpose for purpose, told in PURPOSES.items() if told.exemption_required] == ["communicable-disease"]


@pytest.mark.parametrize("regimes", [some for count in (1, 2, 3) for some in itertools.combinations(REGIMES, count)])
def test_any_choice_of_regimes(regimes: tuple[str, ...], state: State, snapshot: Snapshot, cleared: Path) -> None:
    counts = {*regimes} | ({"not-cleared"} if "national" in regimes else set())
    expected = {person for person, ways in enumerate(PEOPLE) if ways & counts}
    assert left_out(state, snapshot, regimes, "check-service", cleared) == expected


@pytest.mark.parametrize("missing", ["type-1", "local", "not-cleared"])
def test_one_list_that_is_missing_stops_the_purposes_that_need_it(missing: str, state: State) -> None:
    for regime in REGIMES:
        if regime != missing:
            state.write(lambda tx, regime=regime: optouts.apply(tx, regime, pseudonyms([1]), {}, "a test", AT))  # type: ignore[misc]
    if missing != "not-cleared":
        state.write(lambda tx: optouts.clear(tx, "a", people=9, repeated=0, rejected={}, source="a test", at=AT))
    needed = {"not-cleared": "national"}.get(missing, missing)
    for told in PURPOSES.values():
        with state.read() as tx:
            if needed in told.regimes:
                with pytest.raises(Refusal, match="opt-outs-stale"):
                    optouts.check_age(tx, told.regimes, AT, 7, "check-service")
            else:
                optouts.check_age(tx, told.regimes, AT, 7, "check-service")


# -------------------------------------------------------------------------------------------------------------- what is nowhere


def test_a_row_whose_number_is_missing_or_wrong_is_nobody_s(tmp_path: Path) -> None:
    """No row of it is in the store: there is nobody whom a list could clear."""
    source = tmp_path / "source"
    source.mkdir()
    wrong = NUMBERS[0][:-1] + str((int(NUMBERS[0][-1]) + 1) % 10)
    policy = ward_policy(tmp_path / "policy")
    heads = {name: ["nhs_number", *table.columns] for name, table in policy.tables.items()}
    row = {"sex": "F", "group": "a", "year_of_birth": "1950", "decile": "1", "practice": "P1", "died_on": ""}
    lines = [",".join(heads["patients"])]
    for number in (NUMBERS[0], "", " ", "NULL", wrong, "1" * 10, NUMBERS[1] + "0"):
        lines.append(",".join([number, *(row[name] for name in heads["patients"][1:])]))
    (source / "patients.csv").write_text("\n".join(lines) + "\n")
    (source / "visits.csv").write_text(",".join(heads["visits"]) + "\n")
    made = load(policy, source, tmp_path / "store", KEY)
    assert made.accepted["patients"] == 1 and sum(made.rejected["patients"].values()) == 6
    with duckdb.connect(f"{made.snapshot.folder}/persons.duckdb", read_only=True) as records:
        assert records.execute("SELECT count(*), count(DISTINCT person) FROM patients").fetchone() == (1, 1)


def test_no_flag_stands_on_a_person_s_row(snapshot: Snapshot) -> None:
    """The columns of every file of the records are the policy's, the ordinal, the rank and the pseudonym: nothing else."""
    allowed = {
        "persons": {"person", "pseudonym"},
        **{name: {"person", "rank", *table.columns} for name, table in POLICY.tables.items()},
    }
    found: dict[str, set[str]] = {}
    for file in Path(snapshot.folder).glob("*.duckdb"):
        with duckdb.connect(str(file), read_only=True) as records:
            for table, column in records.execute(
                "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
            ).fetchall():
                found.setdefault(table, set()).add(column)
    assert {table for table in found if not table.startswith("codes_")} == set(allowed)
    for table, columns in found.items():
        assert columns <= ({"id", "code"} if table.startswith("codes_") else allowed[table]), table
    for words in ("opt", "object", "exclu", "clear", "withdr"):
        assert not [column for columns in found.values() for column in columns if words in column]
