"""The manifest of a snapshot: which files it is, what was proved of them, and nothing that counts persons or rows."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tre.policy import DatasetPolicy, TablePolicy
from tre.store.encode import encode
from tre.store.files import sha256_of
from tre.store.proof import prove
from tre.store.writing import file_of
from tre.terms import Snapshot, canonical, digest

FORMAT = 1
MANIFEST = "manifest.json"


def finish(policy: DatasetPolicy, made: Path, place: Path, spill: Path) -> Snapshot:
    """Proves the facts of the finished files in ``made``, and describes them as they will stand at ``place``; digests are taken
    beside the proof. `Unfit` when a fact does not hold."""
    with ThreadPoolExecutor(1) as beside:
        files = beside.submit(lambda: [_file(path) for path in sorted(made.glob("*.duckdb"))])
        facts = prove(policy, made, spill)
        return write_manifest(policy, made, place, facts, files.result())


def write_manifest(
    policy: DatasetPolicy, made: Path, place: Path, facts: dict[str, dict[str, bool]], files: list[dict[str, Any]]
) -> Snapshot:
    """A snapshot goes by the name of its folder."""
    manifest = {
        "format": FORMAT,
        "snapshot": place.name,
        "dataset": policy.dataset,
        "schema": policy.schema_digest,
        "salt": secrets.token_hex(16),  # so that the digest says nothing about the files to someone who guesses them
        "files": files,
        "tables": {name: _table(table, facts[name]) for name, table in policy.tables.items()},
    }
    raw = canonical(manifest)
    (made / MANIFEST).write_bytes(raw)
    return Snapshot(place.name, policy.dataset, str(place), policy.schema_digest, digest(raw))


def _file(path: Path) -> dict[str, Any]:
    return {"name": path.name, "size": path.stat().st_size, "sha256": sha256_of(path)}


def _table(table: TablePolicy, facts: dict[str, bool]) -> dict[str, Any]:
    return {
        "file": f"{file_of(table)}.duckdb",
        "one_row_per_person": table.one_row_per_person,
        "row_cap": table.row_cap,
        "columns": {
            name: {"encoding": column.type, "stored": encode(column, "", "VARCHAR", "", "").stored, "nullable": column.nullable}
            for name, column in table.columns.items()
        },
        "facts": facts,
    }
