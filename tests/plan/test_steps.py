"""Release times: steps, chosen from the plan and the published size alone."""

from __future__ import annotations

import pytest

from tests.plan.offers import CATALOGUE, CODELISTS
from tre.errors import Reason, Refusal
from tre.plan.parse import parse
from tre.plan.steps import ROOM, expected, release_time

REGION = parse("SELECT region, COUNT(*) AS n FROM patients GROUP BY region", CATALOGUE, CODELISTS)
FILTERED = parse(
    "SELECT COUNT(*) FROM patients WHERE " + " OR ".join(f"year_of_birth = {n}" for n in range(400)), CATALOGUE, CODELISTS
)
LISTED = parse("SELECT COUNT(*) FROM patients WHERE practice IN codelist('diabetes')", CATALOGUE, CODELISTS)
MANY = parse("SELECT board, year_of_birth, COUNT(*) FROM patients GROUP BY 1, 2", CATALOGUE, CODELISTS)


@pytest.mark.parametrize(
    ("persons", "seconds"),
    [(2_000, 0.5), (100_000, 0.5), (1_000_000, 1.0), (10_000_000, 2.0), (60_000_000, 8.0), (70_000_000, 16.0)],
)
def test_a_count_by_region(persons: int, seconds: float) -> None:
    assert release_time(REGION, persons, 250, 60.0) == seconds


def test_at_least_four_times_what_was_measured() -> None:
    """Seconds of one quiet thread: by size, and for the dearer plans at a million persons."""
    for persons, slowest in ((1_000_000, 0.018), (60_000_000, 1.8)):
        assert release_time(REGION, persons, 250, 60.0) >= ROOM * slowest
    assert release_time(FILTERED, 1_000_000, 250, 60.0) >= ROOM * 0.12
    assert release_time(LISTED, 1_000_000, 250, 60.0) >= ROOM * 0.033
    assert release_time(MANY, 1_000_000, 250, 60.0) >= ROOM * 0.3


def test_every_release_time_is_a_step() -> None:
    steps = {0.25 * 2**power for power in range(10)} | {60.0}
    for plan in (REGION, FILTERED, LISTED, MANY):
        for persons in (1, 10**5, 10**6, 3 * 10**6, 10**7, 3 * 10**7):
            seconds = release_time(plan, persons, 250, 60.0)
            assert seconds in steps and seconds >= ROOM * expected(plan, persons)


def test_more_work_never_takes_less() -> None:
    for persons in (10**5, 10**6, 10**7):
        base = expected(REGION, persons)
        assert min(expected(plan, persons) for plan in (FILTERED, LISTED, MANY)) >= base


def test_never_below_the_quantum_nor_above_the_deadline() -> None:
    assert release_time(REGION, 1_000, 300, 60.0) == 0.5
    assert release_time(REGION, 1_000, 1_000, 60.0) == 1.0
    assert release_time(REGION, 60_000_000, 250, 7.75) == 7.75
    with pytest.raises(Refusal) as raised:
        release_time(REGION, 60_000_000, 250, 7.0)
    assert raised.value.reason == Reason.TOO_LARGE and "7 s" in raised.value.detail
