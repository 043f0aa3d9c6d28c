"""T-BUD1 over HTTP: 64 different questions at once from four processes, each for 0.4 of a budget. Naive: all; ours: two."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.serving import UNUSED_TLS, Served, copy_home, office_of

pytestmark = pytest.mark.alone
ROUNDS, PROCESSES, EACH = 20, 4, 16


def ask_many(address: str, token: str, project: str, first_year: int) -> list[tuple[int, str]]:
    """Sixteen questions at once, from a process of its own: status and reason."""

    def ask(year: int) -> tuple[int, str]:
        sql = f"SELECT sex, COUNT(*) AS n FROM patients WHERE year_of_birth >= {year} GROUP BY sex"
        body = {"project": project, "dataset": "gp", "sql": sql, "share": 0.4}
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{address}/v1/queries", json=body, headers=headers, timeout=60, verify=UNUSED_TLS)
        return answer.status_code, answer.json().get("reason", "")

    with ThreadPoolExecutor(EACH) as pool:
        return list(pool.map(ask, range(first_year, first_year + EACH)))


@pytest.fixture
def small_projects(furnished: Path, tmp_path: Path) -> Path:
    home = copy_home(furnished, tmp_path / "home")
    with office_of(home) as office:
        for number in range(ROUNDS):
            office.found_project(
                f"small-{number}",
                dataset="gp",
                title="Small",
                purpose="research",
                legal_basis="none needed",
                lay_summary="A small budget.",
                ends_on=date(2099, 12, 31),
                members=("researcher",),
                stated=(Decimal(1), Decimal("1e-6")),
            )
    return home


def test_exactly_two_of_sixty_four_are_answered(small_projects: Path) -> None:
    with Served(small_projects) as served, multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        for number in range(ROUNDS):
            jobs = [(served.address, served.tokens["researcher"], f"small-{number}", 1905 + EACH * n) for n in range(PROCESSES)]
            told = [one for answers in pool.starmap(ask_many, jobs) for one in answers]
            assert sorted(told) == [(200, "")] * 2 + [(403, "budget-exhausted")] * (PROCESSES * EACH - 2)
        check_books(served, rounds=ROUNDS)


def check_books(served: Served, rounds: int) -> None:
    """Spent is within the ceiling, and the log tells the same as the ledger."""
    entries: list[dict[str, str]] = []
    with served.http("auditor") as http:
        after: int | None = -1
        while after is not None:
            page = http.get("/v1/audit", params={"limit": 1_000} | ({"after": after} if after >= 0 else {})).json()
            entries += page["entries"]
            after = page["next"]
    for number in range(rounds):
        project = f"small-{number}"
        with served.http() as http:
            budget = http.get(f"/v1/projects/{project}").json()["budget"]
        reserved = [e for e in entries if e["kind"] == "reserved" and e["project"] == project]
        released = [e for e in entries if e["kind"] == "released" and e["project"] == project]
        refused = [e for e in entries if e["kind"] == "refused" and e["project"] == project]
        assert (len(reserved), len(released), len(refused)) == (2, 2, PROCESSES * EACH - 2)
        assert {e["reservation"] for e in reserved} == {e["reservation"] for e in released}
        spent = sum(Decimal(e["rho"]) for e in reserved)
        assert spent == Decimal(budget["spent"]["rho"]) <= Decimal(budget["ceiling"]["rho"])
        assert Decimal(budget["reserved"]["rho"]) == 0
