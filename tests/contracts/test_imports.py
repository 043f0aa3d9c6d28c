"""The import rules catch what they are there for: each line below, added to a copy of the package, must break its rule."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FLOORS = "Each room stands on the floor below it"
CIRCLES = "No circle of imports"
ROADS = "Only the two roads reach the rooms of the fifth floor"
DOOR = "Nobody reaches past the vault's door"
EXACT = "Exact values: engines make them, check and noise take them"
VAULT = "The vault reads no policy, no key, no database, no setting, and writes no log"
LEDGER = "The ledger and the log know no question"
CLIENT = "The client carries nothing of the server"
DUCKDB = "duckdb: engines, store and sample"
OPENDP = "opendp: the noise"
SQLGLOT = "sqlglot: the parser"
SQLALCHEMY = "sqlalchemy: the rooms with tables"
DRIVER = "The database's driver: state, and the checker of the log, which trusts no room"
MIGRATIONS = "Migrations: state"
PYDANTIC = "pydantic: what comes in from outside"
WEB = "The web's packages: web"
YAML = "yaml: the policy"
TERMINAL = "The terminal's packages: the command line"
HTTPX = "httpx: who calls over HTTP"
CRYPTOGRAPHY = "cryptography: keys, and the checkers of the log and of receipts"
CHANCE = "Chance that can be foretold: the sample"
PROGRAMS = "Programs and system calls: the sandbox"

BREAKS = [
    # the room, the line it grows, the rule that must catch it
    ("web/app.py", "import duckdb", DUCKDB),
    ("gateway/road.py", "import duckdb", DUCKDB),
    ("vault/compile/top.py", "import duckdb", DUCKDB),
    ("store/__init__.py", "import opendp.prelude as dp", OPENDP),
    ("plan/nodes/base.py", "import opendp.prelude as dp", OPENDP),
    ("plan/nodes/base.py", "from sqlglot.expressions import Select", SQLGLOT),
    ("gateway/road.py", "from tre.vault.exact import ExactTable", DOOR),
    ("gateway/road.py", "from tre.vault import exact", DOOR),
    ("gateway/road.py", "from tre.vault.noise import perturb", DOOR),
    ("gateway/road.py", "def late() -> None:\n    import tre.vault.noise", DOOR),
    ("office/__init__.py", "import tre.vault.engines.duckdb", DOOR),
    ("vault/suppress.py", "from tre.vault.exact import ExactTable", EXACT),
    ("vault/__init__.py", "from tre.vault.exact import ExactTable", EXACT),
    ("budget/__init__.py", "import tre.vault", FLOORS),
    ("optouts/__init__.py", "from tre import budget", FLOORS),
    ("plan/nodes/base.py", "import tre.vault", FLOORS),
    ("policy/model.py", "import tre.plan.nodes", FLOORS),
    ("keys/keys.py", "import tre.settings", FLOORS),
    ("util.py", "import json", FLOORS),
    ("terms.py", "import tre.loss\nimport tre.plan.nodes", CIRCLES),
    ("plan/nodes/base.py", "import tre.plan.order", CIRCLES),
    ("web/app.py", "from tre.vault import Worker", ROADS),
    ("web/app.py", "import tre.budget", ROADS),
    ("audit/__init__.py", "import tre.plan.nodes", LEDGER),
    ("budget/__init__.py", "import tre.policy", LEDGER),
    ("vault/worker.py", "from tre.policy import read_policies", VAULT),
    ("vault/worker.py", "import tre.keys", VAULT),
    ("vault/compile/top.py", "from tre.settings import Settings", VAULT),
    ("vault/engines/duckdb.py", "import logging", VAULT),
    ("gateway/road.py", "import random", CHANCE),
    ("vault/noise.py", "from random import gauss", CHANCE),
    ("terms.py", "import pydantic", PYDANTIC),
    ("client/http.py", "from tre.policy import read_policies", CLIENT),
    ("client/http.py", "import duckdb", CLIENT),
    ("gateway/road.py", "from sqlalchemy import text", SQLALCHEMY),
    ("store/__init__.py", "import sqlite3", DRIVER),
    ("audit/log.py", "import sqlite3", DRIVER),
    ("budget/__init__.py", "from alembic import op", MIGRATIONS),
    ("gateway/road.py", "from fastapi import Request", WEB),
    ("settings.py", "import yaml", YAML),
    ("gateway/road.py", "import rich", TERMINAL),
    ("web/app.py", "import httpx", HTTPX),
    ("vault/worker.py", "from cryptography.fernet import Fernet", CRYPTOGRAPHY),
    ("client/http.py", "import cryptography", CRYPTOGRAPHY),
    ("vault/engines/duckdb.py", "import subprocess", PROGRAMS),
]


def told(cases: list[dict[str, str] | None], folder: Path) -> list[list[str]]:
    """Which contracts each break broke."""
    shutil.copytree(ROOT / "tre", folder / "tre", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    breaker = Path(__file__).with_name("break_imports.py")
    done = subprocess.run(
        [sys.executable, str(breaker)], input=json.dumps(cases), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[list[str]] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    breaks = [{"file": f"tre/{file}", "line": line} for file, line, _ in BREAKS]
    return told([None, *breaks, None], tmp_path_factory.mktemp("broken"))


def test_the_unbroken_tree_keeps_every_rule(verdicts: list[list[str]]) -> None:
    assert (verdicts[0], verdicts[-1]) == ([], [])


@pytest.mark.parametrize("number", range(len(BREAKS)), ids=[f"{file}: {line}" for file, line, _ in BREAKS])
def test_a_break_is_caught(number: int, verdicts: list[list[str]]) -> None:
    assert BREAKS[number][2] in verdicts[number + 1]


def test_every_rule_is_broken_once() -> None:
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    assert {rule["name"] for rule in rules} == {rule for _, _, rule in BREAKS}


UNSEEN = {
    "import importlib\n\nimportlib.import_module('duckdb')": "TID251",
    "from importlib import import_module\n\nimport_module('duckdb')": "TID251",
    "import importlib.util\n\nimportlib.util.find_spec('duckdb')": "TID251",
    "import runpy\n\nrunpy.run_module('tre.vault.worker')": "TID251",
    "import pickle\n\npickle.loads(b'')": "TID251",
    "import multiprocessing\n\nmultiprocessing.Process()": "TID251",
    "import os\n\nos.environ['TRE_HOME']": "TID251",
    "exec('import duckdb')": "S102",
    "eval('1')": "S307",
    "from . import nodes": "TID252",
    "print('a row')": "T201",
}


@pytest.mark.parametrize(("source", "rule"), UNSEEN.items())
def test_what_no_import_graph_sees_is_a_lint_error(source: str, rule: str) -> None:
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise"]
    command += ["--stdin-filename", "tre/plan/unseen.py", "-"]
    done = subprocess.run(command, input=source, cwd=ROOT, capture_output=True, text=True, check=False)
    assert f" {rule} " in done.stdout
