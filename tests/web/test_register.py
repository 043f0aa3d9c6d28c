"""The register over HTTP: what is published is what anyone with the log and its openings makes of it, byte for byte."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.audit import rfc6962
from tests.serving import REGIONS, Served, copy_home, office_of
from tests.web.test_approving import call
from tre import budget, projects
from tre.audit import SALT, Logged
from tre.office import registered, showing
from tre.office.registry import Registry
from tre.terms import canonical

LABELS = ("project", "person_asking", "outcome", "reason", "dataset", "id")


def entries_of(served: Served, size: int) -> list[dict[str, Any]]:
    """The first so many entries, as an auditor reads them."""
    found: list[dict[str, Any]] = []
    after: int | None = None
    while len(found) < size:
        page = call(served, "auditor", "GET", "/v1/audit?limit=1000" + (f"&after={after}" if after is not None else "")).json()
        found += page["entries"]
        after = page["next"]
    return found[:size]


def logged_of(told: dict[str, Any]) -> Logged:
    """An entry from its leaf's bytes and its opening's, and nothing else that the server says of it."""
    leaf = base64.b64decode(told["leaf"])
    opening = base64.b64decode(told["opening"]) if "opening" in told else None
    said = json.loads(leaf) | (json.loads(opening[SALT:] or b"{}") if opening else {})
    body = {name: value for name, value in said.items() if name not in ("at", "kind", "sealed", *LABELS)}
    labels = {label: said.get(label) for label in LABELS}
    return Logged(told["index"], said["at"], said["kind"], **labels, body=body, leaf=leaf, opening=opening)


def rebuilt(entries: list[dict[str, Any]]) -> tuple[Registry, bytes]:
    registry = Registry()
    registry.read(logged_of(one) for one in entries)
    return registry, rfc6962.mth([base64.b64decode(one["leaf"]) for one in entries])


def asked(served: Served, who: str, sql: str, **more: Any) -> int:
    body = {"project": "demo", "dataset": "gp", "sql": sql} | more
    return call(served, who, "POST", "/v1/queries", body).status_code


@pytest.fixture(scope="module")
def busy(served: Served) -> Served:
    """A released question, a repeat, a refusal, another's question, a proposal, opt-outs: some of everything."""
    assert asked(served, "researcher", REGIONS) == 200
    assert asked(served, "researcher2", REGIONS) == 200
    assert asked(served, "researcher", "SELECT * FROM patients") == 422
    assert asked(served, "researcher", REGIONS, project="none") == 404
    assert call(served, "admin", "PUT", "/v1/projects/demo/budget", {"epsilon": 21, "delta": 1e-6}).status_code == 202
    assert call(served, "controller", "POST", "/v1/opt-outs", {"regime": "local", "nhs_numbers": []}).status_code == 202
    return served


def test_what_is_published_is_rebuilt_from_the_log_byte_for_byte(busy: Served) -> None:
    with busy.http(None) as http:
        whole, one = http.get("/v1/register"), http.get("/v1/register/demo")
    assert whole.status_code == one.status_code == 200
    log = whole.json()["log"]
    entries = entries_of(busy, log["size"])
    registry, root = rebuilt(entries)
    today = date.fromisoformat(whole.json()["as_of"])
    assert base64.b64encode(root).decode() == log["root"]
    assert canonical(showing.whole(registry, root, today)) == whole.content
    assert canonical(showing.one(registry, root, "demo", today)) == one.content


def test_it_tells_who_what_for_and_under_what(busy: Served) -> None:
    with busy.http(None) as http:
        found = http.get("/v1/register/demo").json()
    assert found["people"]["organisation"] == "Sample Data Controller"
    assert found["project"]["title"] == "Demonstration" and "newcomer" in found["project"]["lay_summary"]
    assert found["project"]["purpose_class"] == "research" and found["project"]["legal_basis"]
    assert found["project"]["approvals"][0]["kind"] == "ethics" and "insurance" in found["project"]["prohibited_purposes"]
    assert found["state"] == "active" and found["opt_outs_applied"] == ["type-1", "national", "local"]
    [month] = found["activity"]["months"]
    assert month["asked"] == "1–9" and month["answered"] is None, "how they ended is told when the month is over"
    assert found["activity"]["privacy_loss"] == {
        "stated": {"epsilon": "20", "delta": "0.000001"}, "spent": "0–10 %", "left": "90–100 %",
    }  # fmt: skip
    dataset = found["dataset_facts"]
    assert dataset["controller"] == "Sample Data Controller" and dataset["lifetime_cap"]["epsilon"] == "50"
    assert dataset["answers_under"] == ["local", "national", "type-1"]
    assert dataset["policy"].startswith("sha256:") and re.fullmatch("[0-9a-f-]{32,36}", dataset["snapshot"])
    assert all(one["delivered_on"] for one in found["opt_outs"]["lists"])
    assert found["activity"]["months"][0]["month"] == found["as_of"][:7]


def test_no_number_is_finer_than_its_band(busy: Served) -> None:
    """The only bare numbers are the size of the log, which everyone can count, and those that a policy states."""
    with busy.http(None) as http:
        bare = {where for path in ("/v1/register", "/v1/register/demo") for where in numbers(http.get(path).json())}
    assert bare == {"log.size", "opt_outs.oldest_days.gp", "projects.exemptions_in_force", "exemptions_in_force"}


def numbers(found: Any, where: str = "") -> Iterator[str]:
    if isinstance(found, dict):
        for name, value in found.items():
            yield from numbers(value, f"{where}.{name}".lstrip("."))
    elif isinstance(found, list):
        for value in found:
            yield from numbers(value, where)
    elif isinstance(found, int | float):
        yield where


def test_nobody_is_named(busy: Served) -> None:
    with busy.http(None) as http:
        text = http.get("/v1/register").text + http.get("/v1/register/demo").text + http.get("/register/demo").text
    names = {*busy.tokens, *busy.tokens.values()} - {"researcher", "admin", "controller", "auditor", "checker"}
    assert not any(name in text for name in names) and "r:" not in text.replace("for:", "")


def test_as_a_table_it_has_the_names_of_hdr_uk(busy: Served) -> None:
    with busy.http(None) as http:
        for answer in (http.get("/v1/register?format=csv"), http.get("/v1/register", headers={"Accept": "text/csv"})):
            assert answer.headers["content-type"] == "text/csv; charset=utf-8"
            rows = list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))
            demo = next(row for row in rows if row["project_id_text"] == "demo")
            assert demo["project_title"] == "Demonstration" and demo["national_data_optout"] == "Yes"
            assert demo["organisation_name"] and demo["public_benefit_statement"] and demo["lay_summary"]
            assert {"latest_approval_date", "access_type", "sublicence_arrangements", "request_category_type"} <= set(demo)
        assert http.get("/v1/register?format=xml").status_code == 422
        assert http.get("/v1/register/unheard-of").json()["reason"] == "not-found"


def test_what_it_counts_as_spent_is_what_the_ledger_has(busy: Served) -> None:
    with office_of(busy.home) as office:
        for scope, account in office.register.show(
            "spent",
            lambda registry, _: {
                "project:demo": registry.projects["demo"].account,
                "dataset:gp": registry.dataset("gp").account,
            },
        ).items():
            with office.state.read() as tx:
                balance = budget.balance(tx, scope)
            assert (account.stated, account.spent) == (balance.stated, balance.spent + balance.reserved)
            assert account.spent.rho > 0


def test_who_is_in_the_records_changes_nothing(furnished: Path, tmp_path: Path) -> None:
    """Somebody of the sample opts out, and somebody who is nowhere: register and pages are the same, but for the log's root."""
    sample = (Path("sample_data") / "patients.csv").read_text().splitlines()
    told = []
    for number, nhs_number in enumerate((sample[1].split(",")[0], "9990000018")):
        with office_of(copy_home(furnished, tmp_path / str(number))) as office:
            office.receive_opt_outs(office.host, "local", [nhs_number])
            shown = [office.show_register(), office.show_project("demo"), office.show_opt_outs(), office.register_rows()]
        told.append(re.sub(r'"root":"[^"]+"', "", canonical(shown).decode()))
    assert told[0] == told[1]


def test_a_project_that_the_ledger_knows_and_the_log_does_not_is_not_told(furnished: Path, tmp_path: Path) -> None:
    """The log is the only source: a row that was put into the database beside it appears nowhere."""
    with office_of(copy_home(furnished, tmp_path / "home")) as office:
        beside = projects.Project("beside", "T", "research", "L", "gp", "S", date(2099, 1, 1))
        office.state.write(lambda tx: projects.create(tx, beside))
        assert [line["id"] for line in office.show_register()["projects"]] == ["demo"]


def test_bands_and_tenths() -> None:
    from tre.loss import PrivacyLoss

    assert [registered.band(n) for n in (0, 1, 9, 10, 99, 100, 1_000, 12_345)] == [
        "0", "1–9", "1–9", "10–99", "10–99", "100–999", "1,000–9,999", "10,000–99,999",
    ]  # fmt: skip
    whole = PrivacyLoss(rho=100, delta=10)
    for spent, told, remaining in [
        ((0, 0), "0 %", "100 %"), ((1, 0), "0–10 %", "90–100 %"), ((10, 0), "0–10 %", "90–100 %"),
        ((11, 0), "10–20 %", "80–90 %"), ((1, 6), "50–60 %", "40–50 %"), ((100, 0), "90–100 %", "0–10 %"),
        ((101, 0), "over 100 %", "0 %"),
    ]:  # fmt: skip
        share = registered.tenth(PrivacyLoss(rho=spent[0], delta=spent[1]), whole)
        assert (share, registered.left(share)) == (told, remaining)
    assert registered.tenth(PrivacyLoss(rho=1), PrivacyLoss()) == "over 100 %"
