"""The log over HTTP: static tiles for everyone, checked from what was fetched; pages and stories for auditors, in three forms."""

from __future__ import annotations

import base64
import csv
import io
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import REGIONS, Served, office_of
from tests.web.test_questions import statement
from tre import audit
from tre.terms import digest
from tre.web.csv import LOGGED, log_as_csv

OUTSIDE = [
    "0/..%2f..%2fvkey",
    "..%2f..%2fkeys%2fsigning.key",
    "%2e%2e/%2e%2e/demo.json",
    "0/000%00",
    "0/000%0a",
    "x" * 5_000,
    "0/٠٠٠",
]


def fetched(served: Served, folder: Path) -> int:
    """Everything that the checkpoint needs, fetched as an outsider does; the log's size."""
    with served.http(None) as http:
        note = http.get("/checkpoint")
        (folder / "checkpoint").write_bytes(note.content)
        size = int(note.text.split("\n")[1])
        levels = [("entries", size), ("0", size), ("1", size >> 8)]
        for level, count in levels:
            for number in range(-(-count // 256)):
                width = min(256, count - 256 * number)
                name = f"tile/{level}/{number:03d}" + (f".p/{width}" if width < 256 else "")
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(http.get(f"/{name}").raise_for_status().content)
    return size


@pytest.fixture(scope="module")
def vkey(served: Served) -> str:
    return (served.home / "log/vkey").read_text().strip()


def test_everyone_can_fetch_the_log_and_check_it(served: Served, vkey: str, tmp_path: Path) -> None:
    size = fetched(served, tmp_path)
    verdict = audit.verify_folder(tmp_path, [vkey])
    assert (verdict.ok, verdict.size) == (True, size), verdict
    assert size > 0


def test_tiles_say_what_they_are_and_how_long_they_stay(served: Served) -> None:
    with served.http(None) as http:
        note = http.get("/checkpoint")
        assert note.headers["content-type"] == "text/plain; charset=utf-8"
        assert note.headers["cache-control"] == "no-store"
        size = int(note.text.split("\n")[1])
        for level in ("0", "entries"):
            partial = http.get(f"/tile/{level}/000.p/{size}")
            assert partial.status_code == 200
            assert partial.headers["content-type"] == "application/octet-stream"
            assert partial.headers["cache-control"] == "public, max-age=3600"
            assert "default-src 'none'" in partial.headers["content-security-policy"]
            assert partial.headers["x-content-type-options"] == "nosniff"


def test_full_tiles_never_change(furnished: Path, tmp_path: Path) -> None:
    from tests.serving import copy_home

    home = copy_home(furnished, tmp_path / "home")
    with office_of(home) as office:
        for number in range(260):
            office.state.write(
                lambda tx, number=number: audit.append(tx, audit.Entry("asked", office.clock(), {"number": number}))
            )
    with Served(home) as running, running.http(None) as http:
        for name in ("0/000", "entries/000"):
            full = http.get(f"/tile/{name}")
            assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert full.content == (home / "log/tile" / name).read_bytes()
        (tmp_path / "out").mkdir()
        size = fetched(running, tmp_path / "out")
        assert size > 260
        assert audit.verify_folder(tmp_path / "out", [(home / "log/vkey").read_text().strip()]).size == size


@pytest.mark.parametrize("name", ["0/999", "9/000", "entries/000.p/255", "checkpoint", *OUTSIDE], ids=lambda name: name[:20])
def test_nothing_but_tiles_is_there(served: Served, name: str) -> None:
    with served.http(None) as http:
        answer = http.get(f"/tile/{name}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["reason"] == "not-found"


def test_readyz_tells_of_the_publication(served: Served) -> None:
    with served.http(None) as http:
        told = http.get("/readyz").json()["log"]
    assert told["failing"] is False and told["published_at"].endswith("Z")


def as_auditor(served: Served, path: str, accept: str = "application/json") -> httpx.Response:
    with served.http("auditor") as http:
        return http.get(path, headers={"Accept": accept})


def test_a_questions_whole_story_is_told_in_order(served: Served) -> None:
    with served.client("researcher") as client:
        first = client.ask(REGIONS, project="demo", dataset="gp", share=0.001).envelope["id"]
        again = client.ask(REGIONS, project="demo", dataset="gp", share=0.001).envelope["id"]
    with served.http("researcher") as http:
        refused = http.post("/v1/queries", json={"project": "demo", "dataset": "gp", "sql": "SELECT 1"}).json()["id"]
    for question, kinds in (
        (first, ["asked", "reserved", "released"]),
        (again, ["asked", "released"]),
        (refused, ["asked", "refused"]),
    ):
        told = as_auditor(served, f"/v1/audit/questions/{question}").json()
        assert [entry["kind"] for entry in told["entries"]] == kinds
        assert {entry["id"] for entry in told["entries"]} == {told["id"]} == {question}
        assert [entry["index"] for entry in told["entries"]] == sorted(entry["index"] for entry in told["entries"])
        assert told["text"]["sql"] == (REGIONS if question != refused else "SELECT 1")
    read = as_auditor(served, "/v1/audit?kind=read&limit=1000").json()["entries"]
    assert refused in [entry.get("story") for entry in read]


def test_who_was_answered_can_show_it(served: Served) -> None:
    """The envelope opens its entry: whoever is shown it needs the public log and SHA-256 to see that this was released."""
    with served.client("researcher") as client:
        told = client.ask(REGIONS, project="demo", dataset="gp", share=0.001).envelope
    opening = base64.b64decode(told["audit"]["opening"])
    leaf = json.loads(base64.b64decode(as_auditor(served, f"/v1/audit/{told['audit']['index']}").json()["leaf"]))
    assert leaf["sealed"] == digest(opening) and leaf["id"] == told["id"]
    assert json.loads(opening[32:])["statement"] == digest(statement(told))


def test_an_auditor_is_shown_what_was_sealed_while_it_is_there(served: Served) -> None:
    with served.client("researcher") as client:
        told = client.ask(REGIONS, project="demo", dataset="gp", share=0.0011).envelope
    index = told["audit"]["index"]
    shown = as_auditor(served, f"/v1/audit/{index}").json()
    assert (shown["kind"], shown["outcome"], shown["statement"]) == ("released", "released", digest(statement(told)))
    assert json.loads(base64.b64decode(shown["leaf"]))["sealed"] == digest(base64.b64decode(shown["opening"]))
    story = as_auditor(served, f"/v1/audit/questions/{told['id']}").json()["entries"]
    assert [entry.get("plan") for entry in story] == [None, told["plan"], None]
    with office_of(served.home) as office:
        office.state.write(lambda tx: audit.erase_opening(tx, index))
    gone = as_auditor(served, f"/v1/audit/{index}").json()
    assert (gone["kind"], gone.get("outcome"), gone.get("statement"), gone.get("opening")) == ("closed", None, None, None)
    assert gone["leaf"] == shown["leaf"] and as_auditor(served, "/v1/audit/verify").json()["ok"]


@pytest.mark.parametrize("who", ["researcher", "admin", "controller", "checker"])
def test_a_story_is_for_auditors(served: Served, who: str) -> None:
    with served.http(who) as http:
        assert http.get(f"/v1/audit/questions/{'0' * 32}").status_code == 403
    assert as_auditor(served, f"/v1/audit/questions/{'0' * 32}").json()["reason"] == "not-found"


def test_what_is_looked_for_is_no_longer_than_a_label(served: Served) -> None:
    """It becomes part of an entry, which has 65,535 bytes."""
    assert as_auditor(served, f"/v1/audit?project={'x' * 200}").json()["entries"] == []
    for text in ("x" * 201, "\\" * 60_000):
        refused = as_auditor(served, f"/v1/audit?project={text}")
        assert (refused.status_code, refused.json()["reason"]) == (422, "invalid-request")


def test_json_ndjson_and_csv_say_the_same_and_lead_to_the_next_page(served: Served) -> None:
    path = "/v1/audit?limit=5&since=2020-01-01T00:00:00Z"
    page = as_auditor(served, path)
    entries = page.json()["entries"]
    lines = as_auditor(served, path, "application/x-ndjson")
    assert [json.loads(line) for line in lines.text.splitlines()] == entries
    table = as_auditor(served, path, "text/csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [json.loads(row["body"]) | _labels(row) for row in rows] == entries
    link = {answer.headers["link"] for answer in (page, lines, table)}
    assert len(link) == 1
    following = link.pop().removeprefix("<").removesuffix('>; rel="next"')
    assert [entry["index"] for entry in as_auditor(served, following).json()["entries"]] == list(range(5, 10))
    assert "link" not in as_auditor(served, "/v1/audit?kind=nothing").headers


def _labels(row: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {name: row[name] for name in (*LOGGED, "leaf") if row[name]}
    return told | {"index": int(row["index"])}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_of_the_log_runs_in_a_spreadsheet(text: str) -> None:
    entry = {"index": 1, "at": "t", "kind": text, "project": text, "reason": text, "leaf": "+/8=", "filters": text}
    (row,) = csv.DictReader(io.StringIO(log_as_csv([entry]).decode(), newline=""))
    assert [row[name] for name in ("kind", "project", "reason")] == ["'" + text] * 3
    assert row["leaf"] == "'+/8=" and row["body"].startswith("{")
