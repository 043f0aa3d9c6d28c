"""Breaks the import rules of a copy of the package, one line at a time, and tells which contract each break broke.

Run as a program, in a folder of its own: an import graph can only be built of a package that this process has not imported.
Reads a JSON list of {"file", "line"} on stdin (`null` for the unbroken tree), writes the list of lists of broken contracts.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import importlinter.api  # noqa: F401  (configures import-linter)
from importlinter import Contract
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract

TYPES: dict[str, type[Contract]] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "layers": LayersContract,
    "protected": ProtectedContract,
}


def contracts(pyproject: Path) -> list[Contract]:
    rules = tomllib.loads(pyproject.read_text())["tool"]["importlinter"]
    session = {"root_packages": [rules["root_package"]], "include_external_packages": "True"}
    return [
        TYPES[rule["type"]](name=rule["name"], session_options=session, contract_options={k: as_text(v) for k, v in rule.items()})
        for rule in rules["contracts"]
    ]


def as_text(value: Any) -> Any:
    """As import-linter itself reads TOML: truth values as text."""
    return str(value) if isinstance(value, bool) else value


def broken(rules: list[Contract]) -> list[str]:
    graph = grimp.build_graph("tre", include_external_packages=True, cache_dir=".cache")
    return [rule.name for rule in rules if not kept(rule, graph)]


def kept(rule: Contract, graph: grimp.ImportGraph) -> bool:
    return rule.check(graph, verbose=False).kept


def with_break(rules: list[Contract], file: Path, line: str) -> list[str]:
    before = file.read_text() if file.exists() else None
    file.write_text((before or "") + "\n" + line + "\n")
    try:
        return broken(rules)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)


if __name__ == "__main__":
    sys.path.insert(0, "")
    rules = contracts(Path("pyproject.toml"))
    cases = json.load(sys.stdin)
    json.dump([with_break(rules, Path(c["file"]), c["line"]) if c else broken(rules) for c in cases], sys.stdout)
