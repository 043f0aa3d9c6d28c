"""A release or the log as CSV: the same as in JSON, suppressed cells empty, and no cell that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any


def release_as_csv(envelope: bytes) -> bytes:
    """One line a row: keys, each number with its interval, and ``suppressed`` (RFC 4180). Where there are totals, ``set`` names
    the keys of each row, with spaces between: a total's key is empty like a NULL's."""
    release = json.loads(envelope)
    names: list[str] = []
    for column in release["columns"]:
        name = column["name"]
        names += [name] if column["role"] == "key" else [name, f"{name}_low", f"{name}_high"]
    if any("set" in row for row in release["rows"]):
        names.append("set")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in (*names, "suppressed")])
    for row in release["rows"]:
        writer.writerow([*(_told(row[name]) for name in names), str(row["suppressed"]).lower()])
    return out.getvalue().encode()


def _told(value: Any) -> str | int | float | None:
    """Truth as JSON has it, a list's words with spaces between."""
    if isinstance(value, bool):
        return str(value).lower()
    return _cell(" ".join(value) if isinstance(value, list) else value)


LOGGED = ("index", "at", "kind", "project", "person_asking", "outcome", "reason", "dataset", "id")


def log_as_csv(entries: list[dict[str, Any]]) -> bytes:
    """One line an entry: its place and labels, all else it says as JSON, and the leaf's bytes in base64 (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*LOGGED, "body", "leaf"])
    for entry in entries:
        body = {name: value for name, value in entry.items() if name not in (*LOGGED, "leaf")}
        told = [_cell(entry.get(name)) for name in LOGGED]
        writer.writerow([*told, json.dumps(body, ensure_ascii=False, sort_keys=True), _cell(entry["leaf"])])
    return out.getvalue().encode()


def _cell(value: str | int | float | None) -> str | int | float | None:
    """Text that starts like a formula gets an apostrophe before it (OWASP, CSV injection)."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def table_as_csv(rows: Sequence[Mapping[str, str | None]]) -> bytes:
    """A table whose rows all have the same names (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    if rows:
        writer.writerow(list(rows[0]))
    for row in rows:
        writer.writerow([_cell(value) for value in row.values()])
    return out.getvalue().encode()
