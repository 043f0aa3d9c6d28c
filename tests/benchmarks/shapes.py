"""Whole requests of the language beside raw, unprotected DuckDB on the same files, in turns: times, errors, and keys kept.

The people are the sample's; their events are made here, as many as the published comparisons of such systems have: ten a person
(log-normal, 500 at most), 5,000 codes by Zipf's law. The policy is that of `gp` with 10 groups a person and no rounding, so that
errors are those of the noise. Nobody objects while keys are counted, so that the answer is of as many people as the comparisons'.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from shutil import copytree
from typing import Any

import duckdb

from tests.serving import POLICIES, office_of
from tre.gateway import Gateway, Released
from tre.office import Office
from tre.office.demo import make_identities
from tre.sample import generate
from tre.settings import Settings
from tre.terms import Asking, Person, Request

ROUNDS = 15
CODES = 5_000
# The exponent at which a Gaussian of SIGMA and TAU keeps of these records what the published reference keeps of its own: 12.0 %
# of the codes of 100,000 people. (At 1.0 it keeps 10.8 %.)
ZIPF = 0.95
SIGMA, TAU = (
    17.4,
    113.5,
)  # of (1, 1e-9) at 10 codes a person by the analytic Gaussian: 5.50 * sqrt(10), and what one person reaches
SEED = 2026
NOBODY = "4000000004"


@dataclass(frozen=True, slots=True)
class Shape:
    """A question, the same by raw SQL over `patients` and `e.events`, and the bar: so many times raw, and so many ms."""

    what: str
    asked: str
    raw: str
    times: float
    more_ms: float = 0.0


SHAPES = (
    Shape(
        "count by region",
        "SELECT region, COUNT(*) AS n FROM patients GROUP BY region",
        "SELECT region, count(*) FROM patients GROUP BY 1",
        2.0,
        15.0,
    ),
    Shape(
        "840 groups of distinct persons through a join",
        "SELECT board, band(year_of_birth, 7) AS born, COUNT(DISTINCT p.person) AS n FROM patients p JOIN events e USING (person)"
        " WHERE e.date >= DATE '2015-01-01' GROUP BY board, born",
        "SELECT board, year_of_birth // 7 * 7, count(DISTINCT p.person) FROM patients p JOIN e.events e USING (person)"
        " WHERE e.date >= DATE '2015-01-01' GROUP BY 1, 2",
        1.5,
    ),
    Shape(
        "bounded mean by board",
        "SELECT board, AVG(m.value) AS mean FROM patients p JOIN measurements m USING (person) GROUP BY board",
        "SELECT board, avg(m.value), count(m.value) FROM patients p JOIN e.measurements m USING (person) GROUP BY 1",
        3.0,
    ),
    Shape(
        "5,000 discovered keys",
        "SELECT code, COUNT(DISTINCT person) AS n FROM events GROUP BY code",
        "SELECT code, count(DISTINCT person) FROM e.events GROUP BY 1",
        3.0,
    ),
)


def policies_of(place: Path) -> Path:
    """The policies with ten groups a person, threshold 5 and no rounding, and those left out who objected here."""
    folder = place / "policies"
    if not folder.exists():
        copytree(POLICIES, folder)
        file = folder / "datasets/gp.yaml"
        text = file.read_text().replace("max_groups: 12", "max_groups: 10").replace("check-service", "objections")
        file.write_text(text.replace("disclosure: {threshold: 10, rounding: 5,", "disclosure: {threshold: 5, rounding: 1,"))
    return folder


def furnish(place: Path, persons: int) -> Path:
    """A home with these records; a project of (1, 1e-9) for the keys that are kept, beside the demo's."""
    source, home = place / f"source-{persons}", place / f"wide-{persons}"
    if not source.exists():
        generate(source, persons=persons, seed=SEED, form="parquet")
    _events(source, persons)
    with office_of(home, policies_of(place)) as office:
        make_identities(office, home)
        office.deliver_opt_outs(office.host, _nobody(place), None)
        office.load(office.host, "gp", source)
        office.found_project(
            "keys",
            dataset="gp",
            title="Which codes are in use",
            purpose="research",
            legal_basis="made-up records",
            lay_summary="How many of 5,000 codes can be shown at all.",
            ends_on=date(2099, 12, 31),
            members=("researcher",),
            stated=(Decimal(1), Decimal("1e-9")),
        )
    return home


def _nobody(place: Path) -> Path:
    """Lists of objections with one number on each, which is nobody's here."""
    file = place / "nobody.csv"
    file.write_text("regime,nhs_number\n" + "".join(f"{regime},{NOBODY}\n" for regime in ("type-1", "national", "local")))
    return file


def object_now(place: Path, persons: int, office: Office) -> None:
    """The sample's own objections, from now on: what times are measured with."""
    office.deliver_opt_outs(office.host, place / f"source-{persons}" / "opt_outs.csv", None)


def _events(source: Path, persons: int) -> None:
    """Log-normal numbers of events, codes by Zipf's law: from a hash, the same in every run."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""CREATE TABLE laws AS SELECT i AS code, sum(1 / pow(i + 1, {ZIPF})) OVER (ORDER BY i) AS reached
            FROM range({CODES}) t(i)"""
        )
        connection.execute("CREATE TABLE codes AS SELECT code, reached / (SELECT max(reached) FROM laws) AS reached FROM laws")
        people = f"SELECT nhs_number, row_number() OVER () AS i FROM read_parquet('{source / 'patients.parquet'}')"
        number = "least(500, greatest(0, floor(exp(1.609 + 1.2 * {z})))::INTEGER)"
        u, v = (f"((hash(i * 7 + {k}) >> 11) / 9007199254740992.0 + 1e-12)" for k in (1, 2))
        normal = f"sqrt(-2 * ln({u})) * cos(2 * pi() * {v})"
        connection.execute(
            f"""CREATE TABLE rows AS SELECT nhs_number, unnest(range({number.format(z=normal)})) AS k, i FROM ({people})"""
        )
        connection.execute(
            f"""COPY (SELECT nhs_number, DATE '2000-01-01' + (hash(i * 1009 + k * 13) % 9600)::INTEGER AS date,
            'K' || c.code AS code FROM (SELECT *, (hash(i * 523 + k * 17 + 5) >> 11) / 9007199254740992.0 AS at FROM rows) r
            ASOF JOIN codes c ON r.at <= c.reached) TO '{source / "events.parquet"}' (FORMAT parquet)"""
        )


@contextmanager
def opened(place: Path, home: Path, workers: int) -> Iterator[tuple[Gateway, Office]]:
    """With one worker a question has all cores, as raw DuckDB with as many threads has."""
    settings = Settings(home=home, policies=policies_of(place), workers=workers, _env_file=None)  # type: ignore[call-arg]
    with (
        office_of(home, policies_of(place)) as office,
        Gateway.open(settings, office.state, office.policies, office.keys, release_time=None) as gateway,
    ):
        yield gateway, office


class Bench:
    """One home, open: whole requests and raw SQL on the same files, by so many threads."""

    def __init__(self, gateway: Gateway, office: Office, threads: int) -> None:
        snapshot = office.live_snapshot("gp")
        assert snapshot is not None
        self.gateway, self.folder = gateway, Path(snapshot.folder)
        self.person = Person("researcher", office.keys.person_pseudonym("researcher"), frozenset({"researcher"}))
        self.raw = duckdb.connect(str(self.folder / "persons.duckdb"), read_only=True, config={"threads": str(threads)})
        self.raw.execute(f"ATTACH '{self.folder / 'events.duckdb'}' AS e (READ_ONLY)")

    def ask(self, sql: str, asking: Asking, project: str = "demo") -> dict[str, Any]:
        request = Request(project=project, dataset="gp", sql=sql, asking=asking, fresh=True)
        outcome = self.gateway.ask(self.person, request).coming.result()
        assert isinstance(outcome, Released), outcome
        body: dict[str, Any] = json.loads(outcome.envelope)
        return body

    def in_turns(self, shape: Shape) -> tuple[float, float]:
        """The median ms of whole requests, and of raw SQL."""
        ours: list[float] = []
        theirs: list[float] = []
        asking = Asking(rho=10**8)
        ways: tuple[tuple[list[float], Callable[[], object]], ...] = (
            (ours, lambda: self.ask(shape.asked, asking)),
            (theirs, lambda: self.raw.execute(shape.raw).fetchall()),
        )
        for turn in range(ROUNDS + 2):
            for taken, way in ways:
                began = time.perf_counter()
                way()
                if turn >= 2:
                    taken.append(1e3 * (time.perf_counter() - began))
        return statistics.median(ours), statistics.median(theirs)

    def error(self) -> float:
        """The mean error of 2,016 groups that are far above the threshold, over that of the stated noise."""
        sql = "SELECT board, sex, band(year_of_birth, 12) AS born, COUNT(*) AS n FROM patients GROUP BY board, sex, born"
        exact = self._exact()
        errors: list[float] = []
        for _ in range(12):
            body = self.ask(sql, Asking(rho=10**9))
            scale = next(column["scale"] for column in body["columns"] if column["name"] == "n")
            for row in body["rows"]:
                truth = exact.get((row["board"], row["sex"], row["born"]), 0)
                if truth > 200:
                    errors.append(abs(row["n"] - truth) / (scale * math.sqrt(2 / math.pi)))
        return statistics.fmean(errors) if errors else math.nan  # too few people for groups that large

    def _exact(self) -> dict[tuple[str, str, int], int]:
        """By plain SQL over who did not object, in the policy's words."""
        file = max((self.folder / "exclusions").glob("*.duckdb"), key=lambda one: int(one.name.split("-")[0]))  # the last version
        policy = self.gateway.house.policies.datasets["gp"].tables["patients"].columns
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{self.folder / 'persons.duckdb'}' AS p (READ_ONLY); ATTACH '{file}' AS x (READ_ONLY)")
            rows = connection.execute(
                "SELECT board, sex, year_of_birth // 12 * 12, count(*) FROM p.patients ANTI JOIN x.excluded USING (person)"
                " GROUP BY 1, 2, 3"
            ).fetchall()
        return {(policy["board"].values[board], policy["sex"].values[sex], born): n for board, sex, born, n in rows}

    def kept(self) -> float:
        """Of 5,000 codes, the share that a question for the whole of (1, 1e-9) shows."""
        body = self.ask(SHAPES[-1].asked, Asking(share=Fraction(1)), project="keys")
        return len(body["rows"]) / CODES

    def kept_by_reference(self) -> float:
        """The share that is expected of Gaussian thresholding on the same records, 10 codes of each person kept at random."""
        counts = self.raw.execute(
            "SELECT count(*) FROM (SELECT code, row_number() OVER (PARTITION BY person ORDER BY hash(person, code)) AS g"
            " FROM (SELECT DISTINCT person, code FROM e.events)) WHERE g <= 10 GROUP BY code"
        ).fetchall()
        normal = statistics.NormalDist(0, SIGMA)
        return sum(normal.cdf(count - TAU) for (count,) in counts) / CODES
