"""The values that cross rooms: frozen, checked when made, comparable, printable. Does nothing by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from tre.loss import PrivacyLoss

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value: sorted names, no spaces, UTF-8, no NaN. What digests and signatures are taken of."""
    return _CANONICAL.encode(value).encode()


def digest(raw: bytes) -> str:
    """``sha256:`` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


@lru_cache(maxsize=256)  # one moment is written into entries, openings and tables
def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC to the microsecond, the only form of a time in entries, releases and problems."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Person:
    """Someone signed in (never a patient). ``pseudonym`` is what the log says, for example ``r:7f3a…``."""

    name: str
    pseudonym: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asking:
    """How the asker states the accuracy or the charge of one question: at most one of the four; none is the policy's default
    share. ``margin``: of every count, or of statistics by their names, each in the statistic's own unit. ``margin_at``: how many
    rows of a group the margin of a mean is to hold for."""

    share: Fraction | None = None
    rho: int | None = None
    epsilon: int | None = None
    margin: int | Mapping[str, Fraction] | None = None
    margin_at: int | None = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.share, self.rho, self.epsilon, self.margin)) > 1:
            raise ValueError("one of share, rho, epsilon and margin")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError("share lies in (0, 1]")
        margins = self.margin.values() if isinstance(self.margin, Mapping) else (self.margin,)
        if any(given is not None and given <= 0 for given in (self.rho, self.epsilon, *margins)) or not margins:
            raise ValueError("rho, epsilon and margin are above 0")
        if self.margin_at is not None and (self.margin_at < 1 or not isinstance(self.margin, Mapping)):
            raise ValueError("margin_at is a number of rows, beside margins by name")


@dataclass(frozen=True, slots=True)
class Request:
    """One question as it was sent."""

    project: str
    dataset: str
    sql: str
    asking: Asking = Asking()
    codelists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fresh: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the records: immutable files and the manifest with the facts proved at load. ``id`` is random."""

    id: str
    dataset: str
    folder: str
    schema: str
    manifest: str

    def __post_init__(self) -> None:
        if not (self.schema.startswith("sha256:") and self.manifest.startswith("sha256:")):
            raise ValueError("a snapshot names the digests of its schema and of its manifest")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """The people a question leaves out: a file of one snapshot's ordinals, made from one version of the registers."""

    snapshot: str
    version: int
    regimes: tuple[str, ...]
    file: str
    as_of: str


@dataclass(frozen=True, slots=True)
class Reservation:
    """Loss that has been taken from every ceiling. Only ``budget.reserve`` makes one."""

    id: str
    question: str
    project: str
    dataset: str
    loss: PrivacyLoss


@dataclass(frozen=True, slots=True)
class Release:
    """What may leave: the canonical JSON of {dataset, snapshot, opt_outs_as_of, plan, columns, rows, disclosure}, and nothing
    else. Only ``vault.release`` makes one."""

    statement: bytes
    suppressed: int

    @property
    def digest(self) -> str:
        return digest(self.statement)
