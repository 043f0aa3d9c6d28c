"""Every call of the OpenAPI document as everybody: `roles.txt` says who is answered and how the others are refused. And what is
not one's own is refused in the very words of what does not exist.

`python -m tests.web.test_roles` prints the table as it is, for a review.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contracts.test_surface import document
from tests.serving import REGIONS, SAMPLE, Served, copy_home, office_of
from tre import projects

TABLE = Path(__file__).with_name("roles.txt")
# A member of the project that is asked about, and a researcher who is a member of the other one.
COLUMNS = ("nobody", "member", "stranger", "admin", "auditor", "controller", "checker")
ABSENT = {
    "question": "0" * 32, "project": "no-such-project", "dataset": "no-such-dataset", "name": "no-such-name",
    "approval": "0" * 32, "exemption": "0" * 32, "erasure": "0" * 32, "index": "9999999", "path": "0/999",
    "batch": "0" * 32, "receipt": "0" * 32 + "-000000-" + "0" * 24,
}  # fmt: skip
IDS = re.compile(rb'"id":"[0-9a-f]{32}"')
CALLS = sorted(f"{method.upper()} {path}" for path, methods in document()["paths"].items() for method in methods)
WHY = {"why": "It is a test."}
EXEMPTION = {
    "project": "exempted", "regimes": ["national"], "legal_basis": "COPI regulation 3", "approval_reference": "CAG 26/1",
    "expires_on": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(), **WHY,
}  # fmt: skip


@dataclass
class World:
    """A server, two projects, and for every call a request that somebody is answered."""

    served: Served
    own: dict[str, str]
    foreign: dict[str, str]
    numbers: Iterator[int] = field(default_factory=count)

    def approval(self) -> str:
        made = self._as("admin2", "PUT", "/v1/projects/demo/budget", {"epsilon": 21, "delta": 1e-6})
        return str(made.json()["approval"])

    def exemption(self) -> str:
        """One in force."""
        made = self._as("controller2", "POST", "/v1/exemptions", EXEMPTION).json()
        self._as("controller", "POST", made["address"], {"approve": True, **WHY})
        return str(made["simulation"]["exemption"])

    def sample(self, call: str) -> dict[str, Any]:
        """Body and parameters of a call."""
        asked = {"project": "demo", "dataset": "gp", "sql": REGIONS}
        number = next(self.numbers)
        project = {
            "id": f"new-{number}", "title": "New", "dataset": "gp", "purpose": "research", "legal_basis": "Article 6(1)(e)",
            "lay_summary": "A new one.", "ends_on": "2027-12-31",
        }  # fmt: skip
        bodies: dict[str, Any] = {
            "POST /v1/preview": asked,
            "POST /v1/queries": asked,
            "POST /v1/projects": project,
            "PATCH /v1/projects/{project}": {"title": "Demonstration"},
            "PUT /v1/projects/{project}/budget": {"epsilon": 20, "delta": 1e-6},
            "PUT /v1/projects/{project}/members": [{"name": "researcher"}, {"name": "researcher2"}],
            "PUT /v1/datasets/{dataset}/budget": {"epsilon": 50, "delta": 1e-6},
            "POST /v1/identities": {"name": f"new-{number}"},
            "POST /v1/opt-outs": {"regime": "local", "nhs_numbers": []},
            "POST /v1/opt-outs/withdrawals": {"regime": "local", "nhs_numbers": []},
            "PUT /v1/opt-outs/cleared": 9_434_765_919,  # a list of one line
            "POST /v1/approvals/{approval}": {"approve": False, **WHY},
            "POST /v1/projects/{project}/requests": {"epsilon": 30, "delta": 1e-6, **WHY},
            "POST /v1/holds/{project}": {"release": False, **WHY},
            "POST /v1/exemptions": EXEMPTION,
        }
        parameters = {"GET /v1/audit/consistency": {"from": 1, "to": 2}, "PUT /v1/opt-outs/cleared": {"smaller": "true"}}
        return {"json": bodies.get(call), "params": parameters.get(call)}

    def send(self, who: str, call: str, values: dict[str, str], **changed: Any) -> httpx.Response:
        method, path = call.split(" ")
        request = self.sample(call) | changed
        return self._as(who, method, re.sub(r"\{(\w+)\}", lambda name: values[name[1]], path), request["json"], request["params"])

    def values(self, call: str) -> dict[str, str]:
        """What is there, for each name in the path."""
        values = self.own | {"project": "held"} if call.startswith("POST /v1/holds") else dict(self.own)
        values |= {"exemption": self.exemption()} if "{exemption}" in call else {}
        return values | ({"approval": self.approval()} if "{approval}" in call else {})

    def _as(self, who: str, method: str, path: str, body: Any = None, params: Any = None) -> httpx.Response:
        token = {"nobody": None, "member": "researcher", "stranger": "stranger"}.get(who, who)
        with self.served.http(token) as http:
            return http.request(method, path, json=body, params=params)


def told(answer: httpx.Response) -> str:
    """`ok`, or the reason of the refusal."""
    return "ok" if answer.is_success else str(answer.json()["reason"])


@contextmanager
def world_of(furnished: Path, folder: Path) -> Iterator[World]:
    home = copy_home(furnished, folder / "home")
    fields: dict[str, Any] = {
        "dataset": "gp", "title": "Other", "purpose": "research", "legal_basis": "None", "lay_summary": "Other.",
        "ends_on": date(2099, 1, 1), "stated": (Decimal(1), Decimal("1e-6")),
    }  # fmt: skip
    with office_of(home) as office:
        token = office.renew_identity("stranger", ("researcher",))
        office.renew_identity("visitor", ("researcher",))
        for name in ("other", "held"):
            office.found_project(name, members=("stranger",), **fields)
        office.found_project("exempted", members=(), **fields | {"purpose": "communicable-disease"})
        erased = office.load(office.host, "gp", SAMPLE) and office.erasures()["erasures"][0]["certificate"]
        for _ in range(3):
            office.state.write(lambda tx: projects.add_fault(tx, "held", 3, datetime.now(UTC)))
    with Served(home) as served:
        served.tokens["stranger"] = token
        world = World(served, {}, {})
        asked = world.send("member", "POST /v1/queries", {}).json()["id"]
        body = {"project": "other", "dataset": "gp", "sql": REGIONS}
        others = world.send("stranger", "POST /v1/queries", {}, json=body).json()["id"]
        listed = world._as("controller", "POST", "/v1/opt-outs", {"regime": "local", "nhs_numbers": ["9434765919"]})
        lines = world._as("controller", "GET", listed.headers["Location"]).json()
        size = world._as("nobody", "GET", "/checkpoint").text.split("\n")[1]
        world.own |= {
            "question": asked,
            "project": "demo",
            "dataset": "gp",
            "name": "visitor",
            "index": "3",
            "batch": listed.json()["batches"][0]["batch"],
            "receipt": lines["receipt"],
            "path": f"0/000.p/{size}",
            "erasure": erased,
        }
        world.foreign |= {"question": others, "project": "other"}
        yield world


@pytest.fixture(scope="module")
def world(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of(furnished, tmp_path_factory.mktemp("roles")) as one:
        yield one


def table() -> dict[str, dict[str, str]]:
    """Who is told what, for each call."""
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    return {f"{method} {path}": dict(zip(COLUMNS, cells, strict=True)) for method, path, *cells in lines}


def test_every_call_is_in_the_table_and_nothing_else() -> None:
    assert sorted(table()) == CALLS


@pytest.mark.parametrize("call", CALLS)
def test_the_document_says_who_a_call_is_for(call: str) -> None:
    """The routes' own declaration: none is for everybody, none in the brackets is for everybody signed in."""
    method, path = call.split(" ")
    security = document()["paths"][path][method.lower()].get("security")
    answered = {who for who, cell in table()[call].items() if cell == "ok"}
    if security is None:
        assert answered == set(COLUMNS)
        return
    assert "nobody" not in answered and table()[call]["nobody"] == "not-signed-in"
    for who in COLUMNS[1:]:
        role = {"member": "researcher", "stranger": "researcher"}.get(who, who)
        declared = not security[0]["HTTPBearer"] or role in security[0]["HTTPBearer"]
        assert (table()[call][who] != "role-not-allowed") == declared, who


@pytest.mark.parametrize("who", COLUMNS)
@pytest.mark.parametrize("call", CALLS)
def test_everybody_is_told_what_the_table_says(world: World, call: str, who: str) -> None:
    answer = world.send(who, call, world.values(call))
    assert told(answer) == table()[call][who], answer.text
    if not answer.is_success:
        assert answer.headers["content-type"] == "application/problem+json"


PLACES = [(call, name) for call in CALLS for name in re.findall(r"\{(\w+)\}", call)]


def same(one: httpx.Response, other: httpx.Response) -> None:
    """Status, body and headers, but for the problem's own random id and the time."""
    assert (one.status_code, IDS.sub(b"", one.content)) == (other.status_code, IDS.sub(b"", other.content))
    assert {**one.headers, "date": ""} == {**other.headers, "date": ""}


@pytest.mark.parametrize("who", COLUMNS)
@pytest.mark.parametrize(("call", "name"), PLACES, ids=" ".join)
def test_what_is_not_ones_own_is_what_does_not_exist(world: World, call: str, name: str, who: str) -> None:
    """Whoever is refused a thing is refused it alike whether it exists or not; a member, another project's; whoever sees
    everything is told that there is none."""
    values = world.values(call)
    absent = world.send(who, call, values | {name: ABSENT[name]})
    if table()[call][who] != "ok":
        same(world.send(who, call, values), absent)
        return
    assert told(absent) == "not-found"
    if who == "member" and name in world.foreign and table()[call]["nobody"] != "ok":  # what is public is everybody's
        same(world.send(who, call, values | {name: world.foreign[name]}), absent)


@pytest.mark.parametrize("who", ["member", "admin", "auditor", "controller", "checker"])
@pytest.mark.parametrize("call", ["POST /v1/queries", "POST /v1/preview", "GET /v1/queries"])
def test_anothers_project_named_in_a_body_or_a_filter_is_one_that_does_not_exist(world: World, call: str, who: str) -> None:
    def named(project: str) -> httpx.Response:
        if call.startswith("GET"):
            return world.send(who, call, {}, params={"project": project})
        return world.send(who, call, {}, json={"project": project, "dataset": "gp", "sql": REGIONS})

    foreign = named("other")
    same(foreign, named("no-such-project"))
    assert told(foreign) in ("not-found", "role-not-allowed")


def test_a_cursor_of_anothers_question_tells_nothing(world: World) -> None:
    foreign = world.send("member", "GET /v1/queries", {}, params={"after": world.foreign["question"]})
    absent = world.send("member", "GET /v1/queries", {}, params={"after": ABSENT["question"]})
    same(foreign, absent)


def _print() -> None:
    from tests.serving import furnish

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        furnish(folder / "furnished")
        world = stack.enter_context(world_of(folder / "furnished", folder))
        wide = max(map(len, CALLS))
        print(f"# {'':{wide - 2}}" + "".join(f" {who:<17}" for who in COLUMNS).rstrip())
        for call in CALLS:
            cells = [told(world.send(who, call, world.values(call))) for who in COLUMNS]
            print(f"{call:<{wide}}" + "".join(f" {cell:<17}" for cell in cells).rstrip())


if __name__ == "__main__":
    _print()
