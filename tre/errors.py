"""What can go wrong, and how it is told.

    Error
    ├── Refusal(Reason)   our no: before data is touched, from text, policy, project and ledger alone
    └── Fault(code)       our failure: an id and a fixed sentence outside, a code inside

Neither ever carries a value from a row or the text of an engine's exception.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a question or an act is refused. The values are fixed names of the HTTP contract."""

    SQL_NOT_UNDERSTOOD = "sql-not-understood"
    STATEMENT_NOT_OFFERED = "statement-not-offered"
    TABLE_NOT_IN_POLICY = "table-not-in-policy"
    COLUMN_NOT_IN_POLICY = "column-not-in-policy"
    STATISTIC_NOT_OFFERED = "statistic-not-offered"
    FUNCTION_NOT_OFFERED = "function-not-offered"
    NOT_PERSON_SEPARABLE = "not-person-separable"
    BOUNDS_MISSING = "bounds-missing"
    KEYS_TOO_MANY = "keys-too-many"
    PURPOSE_NOT_PERMITTED = "purpose-not-permitted"
    APPROVAL_LAPSED = "approval-lapsed"
    BUDGET_EXHAUSTED = "budget-exhausted"
    INVALID_REQUEST = "invalid-request"
    NOT_SIGNED_IN = "not-signed-in"
    ROLE_NOT_ALLOWED = "role-not-allowed"
    PROJECT_HELD = "project-held"
    NOT_FOUND = "not-found"
    KEY_RUNNING = "key-running"
    ACCOUNTING_KIND = "accounting-kind"
    CHANGED_MEANWHILE = "changed-meanwhile"
    TOO_LARGE = "too-large"
    KEY_REUSED = "key-reused"
    OPT_OUT_MODE = "opt-out-mode"
    TOO_MANY_REQUESTS = "too-many-requests"
    OPT_OUTS_STALE = "opt-outs-stale"
    NOT_READY = "not-ready"
    CANCELLED = "cancelled"


class Error(Exception):
    """The root of everything this package raises on purpose."""


class Refusal(Error):
    """Our no. ``detail`` says what was not understood or not offered; ``suggestion`` mends it from metadata alone."""

    def __init__(self, reason: Reason, detail: str = "", suggestion: str = "") -> None:
        super().__init__(reason, detail, suggestion)
        self.reason = reason
        self.detail = detail
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}".rstrip(": ")


class Fault(Error):
    """Our failure. ``code`` is one of a short list of fixed words, kept inside; outside there is an id and one sentence."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Unfit(Error):
    """A file, a setting or a policy that the program cannot start with. Told to the person at the terminal, who may read it."""
