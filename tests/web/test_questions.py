"""A researcher's day over HTTP: ask, repeat, preview, be refused, look back."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from decimal import Decimal

import httpx
import pytest

from tests.serving import REGIONS, Served
from tre.client import ProblemError
from tre.terms import canonical, digest

STATEMENT = ("dataset", "snapshot", "opt_outs_as_of", "plan", "columns", "rows", "disclosure")
BODY = {"project": "demo", "dataset": "gp"}


def statement(envelope: dict[str, object]) -> bytes:
    return canonical({name: envelope[name] for name in STATEMENT})


def older(years: int) -> str:
    """A question of its own: each test asks others."""
    return f"SELECT sex, COUNT(*) AS n FROM patients WHERE year_of_birth <= {years} GROUP BY sex"


def test_a_count_by_region_is_a_release(served: Served) -> None:
    with served.http() as http:
        answer = http.post("/v1/queries", json=BODY | {"sql": REGIONS})
    assert answer.status_code == 200, answer.text
    release = answer.json()
    assert [column["name"] for column in release["columns"]] == ["region", "n"]
    assert len(release["rows"]) == 7
    for row in release["rows"]:
        assert row["suppressed"] == (row["n"] is None)
        if not row["suppressed"]:
            assert row["n"] % 5 == 0 and row["n_low"] < row["n"] < row["n_high"]
    statistic = release["columns"][1]
    assert statistic["mechanism"] == "discrete gaussian" and statistic["scale"] > 0
    assert Decimal(release["charge"]["rho"]) > 0 and release["charge"]["epsilon"] is None
    assert release["disclosure"]["threshold"] == 10 and release["disclosure"]["sandbox"] == "on"
    assert release["sql"] == REGIONS and release["project"] == "demo"


def test_the_statement_is_in_the_log_by_its_digest(served: Served) -> None:
    with served.client() as client:
        release = client.ask(older(1931), **BODY)
    with served.http("auditor") as http:
        entry = http.get(f"/v1/audit/{release.envelope['audit']['index']}").json()
    assert entry["kind"] == "released" and entry["statement"] == digest(statement(release.envelope))
    assert entry["id"] == release.envelope["id"] and entry["suppressed"] == release.envelope["disclosure"]["suppressed"]


def test_a_repeat_is_the_same_statement_for_nothing(served: Served) -> None:
    with served.client() as client, served.client("researcher2") as colleague:
        first = client.ask(older(1932), **BODY)
        before = client.project("demo")["budget"]
        second = client.ask(older(1932), **BODY)
        rewritten = colleague.ask("select sex, count(*) AS n from patients p where p.year_of_birth < 1933 group by 1", **BODY)
        after = client.project("demo")["budget"]
    for again in (second, rewritten):
        assert statement(again.envelope) == statement(first.envelope)
        assert again.envelope["charge"] == {
            "rho": "0.000000000000", "epsilon": None, "delta": "0", "repeat": True, "repeat_of": first.envelope["id"]
        }  # fmt: skip
        assert again.envelope["stale"] is False
    assert before == after


def test_fresh_pays_and_draws_again(served: Served) -> None:
    with served.client() as client:
        first = client.ask(older(1934), **BODY)
        fresh = client.ask(older(1934), fresh=True, **BODY)
    assert fresh.envelope["charge"]["repeat"] is False
    assert Decimal(fresh.envelope["charge"]["rho"]) == Decimal(first.envelope["charge"]["rho"])
    assert fresh.envelope["id"] != first.envelope["id"]


def test_a_finer_question_pays_and_a_coarser_one_repeats(served: Served) -> None:
    with served.client() as client:
        first = client.ask(older(1935), share=0.001, **BODY)
        finer = client.ask(older(1935), share=0.002, **BODY)
        coarser = client.ask(older(1935), share=0.0005, **BODY)
    assert finer.envelope["charge"]["repeat"] is False
    assert coarser.envelope["charge"]["repeat_of"] == finer.envelope["id"] != first.envelope["id"]


def test_an_idempotency_key_replays_byte_for_byte(served: Served) -> None:
    body = BODY | {"sql": older(1936)}
    with served.http() as http:
        headers = {"Idempotency-Key": "one-question"}
        first = http.post("/v1/queries", json=body, headers=headers)
        second = http.post("/v1/queries", json=body, headers=headers)
        other = http.post("/v1/queries", json=body | {"sql": older(1937)}, headers=headers)
    assert first.status_code == 200 and second.content == first.content
    assert other.status_code == 422 and other.json()["reason"] == "key-reused"


def test_fifty_sendings_of_one_key_are_one_question(served: Served) -> None:
    body, answers = BODY | {"sql": older(1938)}, []

    def send() -> None:
        with served.http() as http:
            answers.append(http.post("/v1/queries", json=body, headers={"Idempotency-Key": "fifty"}))

    threads = [threading.Thread(target=send) for _ in range(50)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert {a.json()["reason"] for a in answers if a.status_code == 409} <= {"key-running"}
    assert len({a.content for a in answers if a.status_code == 200}) == 1


def test_an_impatient_asker_polls(served: Served) -> None:
    with served.http() as http:
        asked = http.post("/v1/queries", json=BODY | {"sql": older(1939)}, headers={"Prefer": "wait=0"})
        assert asked.status_code == 202 and asked.json()["state"] in ("waiting", "running")
        assert asked.headers["location"] == f"/v1/queries/{asked.json()['id']}"
        while (found := http.get(asked.headers["location"])).status_code == 202:
            time.sleep(0.02)
        assert found.status_code == 200 and found.json()["id"] == asked.json()["id"]
        assert http.get(asked.headers["location"]).content == found.content


def test_a_waiting_question_is_cancelled_for_nothing(served: Served) -> None:
    with served.http() as http:
        asked = [
            http.post("/v1/queries", json=BODY | {"sql": older(1940 + n)}, headers={"Prefer": "wait=0"}).json()["id"]
            for n in range(8)
        ]
        cancelled = http.delete(f"/v1/queries/{asked[-1]}")
        assert cancelled.status_code == 200 and cancelled.json()["state"] == "cancelled", cancelled.text
        gone = http.get(f"/v1/queries/{asked[-1]}")
        assert gone.status_code == 410 and gone.json()["reason"] == "cancelled"
        for question in asked[:-1]:
            while http.get(f"/v1/queries/{question}").status_code == 202:
                time.sleep(0.02)
    with served.http("auditor") as http:
        found = http.get("/v1/audit", params={"kind": "cancelled"}).json()["entries"]
        assert [entry for entry in found if entry["id"] == asked[-1] and "reservation" not in entry]


@pytest.mark.parametrize(
    ("sql", "status", "reason"),
    [
        ("SELECT region, MAX(year_of_birth) FROM patients GROUP BY region", 422, "statistic-not-offered"),
        ("SELECT regoin, COUNT(*) FROM patients GROUP BY regoin", 422, "column-not-in-policy"),
        ("SELECT COUNT(*) FROM patient", 422, "table-not-in-policy"),
        ("SELECT COUNT(*) FROM patients WHERE EXISTS (SELECT 1 FROM events)", 422, "not-person-separable"),
        ("SELEC region", 400, "sql-not-understood"),
        ("x" * 30_000, 413, "too-large"),
    ],
)
def test_a_refusal_is_a_problem_with_a_mend(served: Served, sql: str, status: int, reason: str | None) -> None:
    with served.http() as http:
        before = http.get("/v1/projects/demo").json()["budget"]
        answer = http.post("/v1/queries", json=BODY | {"sql": sql})
        after = http.get("/v1/projects/demo").json()["budget"]
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, problem["status"]) == (status, status)
    assert reason in (None, problem["reason"]) and problem["type"] == f"/problems/{problem['reason']}"
    assert problem["detail"] and problem["suggestion"] and problem["title"] and problem["id"]
    assert before == after


def test_a_foreign_project_looks_like_none(served: Served) -> None:
    def masked(answer: httpx.Response) -> dict[str, object]:
        return answer.json() | {"id": ""}

    with served.http() as http:
        none = http.post("/v1/queries", json=BODY | {"project": "no-such", "sql": REGIONS})
        dataset = http.post("/v1/queries", json=BODY | {"dataset": "no-such", "sql": REGIONS})
        query = http.get("/v1/queries/0123")
    assert none.status_code == dataset.status_code == query.status_code == 404
    assert masked(none) == masked(dataset) == masked(query)


def test_nobody_asks_without_a_token_or_another_role(served: Served) -> None:
    with httpx.Client(base_url=served.address) as http:
        nobody = http.post("/v1/queries", json=BODY | {"sql": REGIONS})
        wrong = http.get("/v1/me", headers={"Authorization": "Bearer tre_" + "x" * 43})
    assert nobody.status_code == wrong.status_code == 401 and "www-authenticate" in nobody.headers
    with served.http("admin") as http:
        assert http.post("/v1/queries", json=BODY | {"sql": REGIONS}).json()["reason"] == "role-not-allowed"


def test_unknown_fields_and_two_prices_are_refused(served: Served) -> None:
    with served.http() as http:
        for wrong in ({"sqll": "x"}, {"share": 0.1, "rho": 0.1}, {"share": 2}, {"rho": "nan"}, {"epsilon": -1}, {"margin": 1.5}):
            answer = http.post("/v1/queries", json=BODY | {"sql": REGIONS} | wrong)
            assert answer.status_code == 422 and answer.json()["reason"] == "invalid-request", wrong


def test_a_preview_is_free_and_foretells_the_charge(served: Served) -> None:
    with served.client() as client:
        before = client.project("demo")["budget"]
        foretold = client.preview(older(1950), share=0.001, **BODY)
        assert client.project("demo")["budget"] == before
        release = client.ask(older(1950), share=0.001, **BODY)
    assert foretold["charge"]["rho"] == release.envelope["charge"]["rho"]
    assert foretold["plan"] == release.envelope["plan"]


def test_a_margin_is_kept(served: Served) -> None:
    with served.client() as client:
        release = client.ask(older(1951), margin=40, **BODY)
    widths = [row["n_high"] - row["n"] for row in release.rows if not row["suppressed"]]
    assert widths and max(widths) <= 40


def test_a_release_as_csv_has_the_same_numbers(served: Served) -> None:
    with served.http() as http:
        release = http.post("/v1/queries", json=BODY | {"sql": older(1952)}).json()
        answer = http.get(f"/v1/queries/{release['id']}", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    told = [{name: "" if value is None else str(value) for name, value in row.items()} for row in release["rows"]]
    assert [row | {"suppressed": row["suppressed"].capitalize()} for row in rows] == told


def test_a_question_too_dear_is_refused_and_says_which_budget(served: Served) -> None:
    with served.client() as client, pytest.raises(ProblemError) as refused:
        client.ask(older(1953), rho=1_000, **BODY)
    assert (refused.value.status, refused.value.reason) == (403, "budget-exhausted")
    assert refused.value.suggestion


def test_history_lists_the_projects_questions(served: Served) -> None:
    with served.client() as client:
        release = client.ask(older(1954), note="a note", **BODY)
    with served.http("researcher2") as http:
        newest = http.get("/v1/queries", params={"limit": 1}).json()["queries"][0]
    assert newest["id"] == release.envelope["id"] and newest["note"] == "a note" and newest["state"] == "released"


def test_me_and_the_catalogue(served: Served) -> None:
    with served.client() as client:
        assert client.me() == {"name": "researcher", "roles": ["researcher"], "projects": ["demo"]}
        assert [found["dataset"] for found in client.datasets()] == ["gp"]
        tables = {table["table"]: table for table in client.dataset("gp")["tables"]}
    assert set(tables) == {"patients", "events", "measurements", "prescriptions"}
    assert all(column["source"] and column["description"] for table in tables.values() for column in table["columns"])


def test_every_problem_has_a_page(served: Served) -> None:
    with served.http(None) as http:
        assert "not offered" in http.get("/problems/statement-not-offered").text
        assert http.get("/problems/no-such").status_code == 404
        found = http.get("/no/such/path")
    assert found.status_code == 404 and json.loads(found.content)["reason"] == "not-found"
