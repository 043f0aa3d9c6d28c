"""The API against its own document: schemathesis with every check it has, in every phase, as those whom each call is for, on ids
that are there and on ids that are not. What it sends is the same in every run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.test_surface import document
from tests.serving import ROOT
from tests.web.test_roles import World, world_of

EXAMPLES = 100
pytestmark = pytest.mark.timeout(900)  # a machine with others on it
# In the test tier each call is sent as one of those whom it is for; in the audit tier as everybody.
PARTS = {
    "researcher": ("researcher", "everyone", "public"),
    "admin": ("admin",),
    "auditor": ("auditor",),
    "controller": ("controller",),
}
REFUSED_BY_MEANING = {
    "POST /v1/preview": [400, 413, 422],
    "POST /v1/queries": [400, 410, 413, 422],
    "GET /v1/queries/{question}": [400, 410, 413, 422],
    "POST /v1/projects": [422],
    "PATCH /v1/projects/{project}": [412, 422],
    "PUT /v1/projects/{project}/budget": [412, 422],
    "PUT /v1/projects/{project}/members": [412, 422],
    "PUT /v1/datasets/{dataset}/budget": [412, 422],
    "POST /v1/projects/{project}/requests": [422],
    "POST /v1/identities": [422],
    "POST /v1/approvals/{approval}": [412, 422],
    "POST /v1/holds/{project}": [412],
    "POST /v1/opt-outs": [422],
    "POST /v1/exemptions": [422],
    "POST /v1/opt-outs/withdrawals": [422],
    "PUT /v1/opt-outs/cleared": [413, 422],
}
ALWAYS = ["2xx", 401, 403, 404, 409, 429, 503]
TEXTS = (
    "SELECT region, COUNT(*) AS n FROM patients GROUP BY region",
    "SELECT COUNT(*) AS n FROM patients WHERE year_of_birth < 1950 AND sex = 'F'",
    "SELECT nothing FROM patients",
    "DROP TABLE patients",
)


@pytest.fixture(scope="module")
def world(furnished: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_of(furnished, tmp_path_factory.mktemp("document")) as one:
        yield one


def dictionaries(world: World) -> dict[str, list[str]]:
    """What is there, for a half of the cases."""
    named = {f"path.{name}": [value] for name, value in world.own.items() if name not in ("index", "path")}
    named["path.question"].append(world.foreign["question"])
    named["path.project"] += ["other", "held"]
    named["path.approval"] = [world.approval() for _ in range(2)]
    return named | {
        "path.path": [world.own["path"], "0/000", "entries/000.p/2"],
        "query.project": ["demo", "other"],
        "body.project": ["demo", "demo", "other"],
        "body.dataset": ["gp"],
        "body.purpose": ["research", "insurance"],
        "body.regime": ["local", "type-1"],
        "body.sql": list(TEXTS),
    }


def configured(world: World, folder: Path) -> Path:
    """The configuration file: ids, statuses that the contract gives to what is understood and not done, and the check of ours."""
    found = dictionaries(world)
    lines = [f"hooks = {json.dumps(str(ROOT / 'tests/web/document_checks.py'))}", "[parameters]"]
    lines += [f'"{name}" = {{ dictionary = "{name}", probability = 0.5 }}' for name in found]
    lines += [line for name, values in found.items() for line in (f'[dictionaries."{name}"]', f"values = {json.dumps(values)}")]
    for call, statuses in REFUSED_BY_MEANING.items():
        lines += ["[[operations]]", f'include-name = "{call}"', "[operations.checks.positive_data_acceptance]"]
        lines += [f"expected-statuses = {json.dumps([*ALWAYS, *statuses])}"]
    (folder / "schemathesis.toml").write_text("\n".join(lines) + "\n")
    return folder / "schemathesis.toml"


def run(world: World, who: str, folder: Path, *chosen: str) -> str:
    """Every check and phase as somebody; what schemathesis told."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(configured(world, folder)),
        "run", f"{world.served.address}/openapi.json", "--checks", "all", "--max-examples", str(EXAMPLES),
        "--generation-deterministic",        "--continue-on-failure", "--no-color", "--warnings", "off", "--workers", "1",
        "--header", f"Authorization: Bearer {world.served.tokens[who]}", *chosen,
    ]  # fmt: skip
    told = subprocess.run(command, cwd=folder, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout[-12_000:] + told.stderr[-2_000:]
    return told.stdout


def test_every_call_is_in_a_part() -> None:
    tags = {tag for methods in document()["paths"].values() for call in methods.values() for tag in call["tags"]}
    assert tags == {tag for part in PARTS.values() for tag in part}


@pytest.mark.parametrize("who", PARTS)
def test_the_calls_are_as_documented(world: World, tmp_path: Path, who: str) -> None:
    tags = [word for tag in PARTS[who] for word in ("--include-tag", tag)]
    assert "No issues found" in run(world, who, tmp_path, *tags)


@pytest.mark.audit
@pytest.mark.parametrize("who", PARTS)
def test_every_call_is_as_documented_for_everybody(world: World, tmp_path: Path, who: str) -> None:
    assert "No issues found" in run(world, who, tmp_path)
