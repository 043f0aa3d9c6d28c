"""The client: one method a call of the contract."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass
from typing import Any

import httpx

WAIT_S = 30


class ProblemError(Exception):
    """The server's problem (RFC 9457): ``reason``, ``detail``, ``suggestion``, ``status``, ``id``."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.status: int = problem.get("status", 0)
        self.reason: str = problem.get("reason", "")
        self.detail: str = problem.get("detail", "")
        self.suggestion: str = problem.get("suggestion", "")
        super().__init__(f"{self.reason}: {self.detail} {self.suggestion}".strip())


@dataclass(frozen=True, slots=True)
class Release:
    """An answer: its rows, its columns and the whole envelope."""

    envelope: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.envelope["rows"]
        return rows

    @property
    def columns(self) -> list[dict[str, Any]]:
        columns: list[dict[str, Any]] = self.envelope["columns"]
        return columns

    @property
    def table(self) -> list[list[str]]:
        """The answer in words, the columns' names first: `suppressed` is no number, `NULL` is a value, `all` is a total's key."""
        names = [column["name"] for column in self.columns]
        keys = {column["name"] for column in self.columns if column["role"] == "key"}
        return [names, *([_word(row, name, name in keys) for name in names] for row in self.rows)]

    def __repr__(self) -> str:
        charge = self.envelope["charge"]
        spent = charge["rho"] if charge["epsilon"] is None else charge["epsilon"]
        return f"<Release {self.envelope['id']}: {len(self.rows)} rows, charge {spent}>"


def _word(row: dict[str, Any], name: str, key: bool) -> str:
    if key and name not in row.get("set", [name]):
        return "all"
    if row[name] is None:
        return "suppressed" if row["suppressed"] and not key else "NULL"
    return str(row[name])


class Client:
    """Talks to one server with one token. Used as a context manager, or closed with `close`."""

    def __init__(self, address: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not token.isascii():
            raise ProblemError({"reason": "not-signed-in", "detail": "The token has letters that no token has.", "status": 401})
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = httpx.Client(base_url=address, headers=headers, timeout=WAIT_S + 30, transport=transport)

    @classmethod
    def from_env(cls) -> Client:
        """A client from TRE_ADDRESS (default this machine, port 8000) and TRE_TOKEN."""
        return cls(os.environ.get("TRE_ADDRESS", "http://127.0.0.1:8000"), os.environ.get("TRE_TOKEN", ""))

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def me(self) -> dict[str, Any]:
        """Name, roles and projects."""
        return self._json("GET", "/v1/me")

    def datasets(self) -> list[dict[str, Any]]:
        """The catalogue."""
        found: list[dict[str, Any]] = self._json("GET", "/v1/datasets")["datasets"]
        return found

    def dataset(self, dataset: str) -> dict[str, Any]:
        """The data dictionary of a dataset."""
        return self._json("GET", f"/v1/datasets/{dataset}")

    def project(self, project: str) -> dict[str, Any]:
        """Members, purpose and budget of a project."""
        return self._json("GET", f"/v1/projects/{project}")

    def preview(self, sql: str, *, project: str, dataset: str, **accuracy: Any) -> dict[str, Any]:
        """What a question would cost; ``accuracy`` is one of share, rho, epsilon, margin (a number for
        every count, or a margin for each statistic by its name; for means beside ``margin_at``, a number of rows)."""
        return self._json("POST", "/v1/preview", {"project": project, "dataset": dataset, "sql": sql, **accuracy})

    def ask(self, sql: str, *, project: str, dataset: str, key: str | None = None, **more: Any) -> Release:
        """Ask and wait. Sends an Idempotency-Key, so that a lost answer that was paid for is given again, not paid again."""
        body = {"project": project, "dataset": dataset, "sql": sql, **more}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex, "Prefer": f"wait={WAIT_S}"}
        response = self._http.post("/v1/queries", json=body, headers=headers)
        while response.status_code == 202:
            time.sleep(float(response.headers.get("Retry-After", "1")))
            response = self._http.get(response.headers["Location"])
        return Release(self._read(response))

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._read(self._http.request(method, path, json=body))

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            found: dict[str, Any] = response.json()
        except json.JSONDecodeError:
            found = {"status": response.status_code, "reason": "", "detail": f"The server answered {response.status_code}."}
        if response.is_error:
            raise ProblemError(found)
        return found
