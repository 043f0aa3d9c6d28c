"""Projects and their members. A project starts inactive; it is held by the house and released by a person; closed is for good."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tre.errors import Reason, Refusal
from tre.projects import outside
from tre.projects.names import valid_name
from tre.projects.outside import OutsideApproval
from tre.projects.tables import identities, projects
from tre.projects.tables import members as table
from tre.state import Transaction
from tre.terms import Person, canonical

ACTIVE, INACTIVE, HELD, CLOSED = "active", "inactive", "held", "closed"
# From a state, where `change` may take it. Held is left through `release_hold` or by closing.
_NEXT = {ACTIVE: {INACTIVE, CLOSED}, INACTIVE: {ACTIVE, CLOSED}, HELD: {CLOSED}, CLOSED: set[str]()}
_FIND = select(projects).where(projects.c.id == bindparam("of"))
_THEIRS = (
    select(projects).join(table, table.c.project == projects.c.id).where(table.c.name == bindparam("who")).order_by(projects.c.id)
)


@dataclass(frozen=True, slots=True)
class Project:
    """What a project may do and why. ``ends_on`` is its last day; ``approvals`` are from outside, and it asks while all of them
    last. ``faults`` counts since it was last released from a hold. ``organisation``: whose it is; ``benefit``: what the
    public has of it. The register tells both."""

    id: str
    title: str
    purpose: str
    legal_basis: str
    dataset: str
    lay_summary: str
    ends_on: date
    state: str = INACTIVE
    version: int = 1
    faults: int = 0
    held_at: str | None = None
    approvals: tuple[OutsideApproval, ...] = ()
    organisation: str = ""
    benefit: str = ""

    def __post_init__(self) -> None:
        for name in (self.id, self.purpose, self.dataset):
            valid_name(name)
        if self.state not in _NEXT:
            raise ValueError("a project is active, inactive, held or closed")
        for words in (self.title, self.legal_basis, self.lay_summary):
            if not words.strip():
                raise Refusal(Reason.INVALID_REQUEST, "A project has a title, a legal basis and a lay summary.")


def create(tx: Transaction, project: Project) -> Project:
    """Add a project: its id is its own for ever."""
    kept = ("id", "title", "purpose", "legal_basis", "dataset", "lay_summary", "organisation", "benefit", "state")
    values = {name: getattr(project, name) for name in kept}
    try:
        tx.execute(insert(projects), values | _as_text(project) | {"faults": 0, "version": 1})
    except IntegrityError:
        raise Refusal(Reason.INVALID_REQUEST, "This id has been given to a project before.", "Choose another.") from None
    return get(tx, project.id)


def get(tx: Transaction, id: str) -> Project:
    """One project; NOT_FOUND when there is none."""
    found = tx.execute(_FIND, {"of": id}).one_or_none()
    if found is None:
        raise Refusal(Reason.NOT_FOUND)
    return _project(found)


def every(tx: Transaction, state: str | None = None) -> list[Project]:
    """All projects, or those in one state (the held ones wait for a person), by id."""
    wanted = select(projects).order_by(projects.c.id)
    return [_project(row) for row in tx.execute(wanted if state is None else wanted.where(projects.c.state == state))]


def of(tx: Transaction, person: Person) -> list[Project]:
    """The projects somebody is a member of, by id."""
    return [_project(row) for row in tx.execute(_THEIRS, {"who": person.name})]


def members(tx: Transaction, id: str) -> list[str]:
    """The members' names, in order."""
    return list(tx.execute(select(table.c.name).where(table.c.project == id).order_by(table.c.name)).scalars())


def set_members(tx: Transaction, id: str, names: Iterable[str], version: int | None = None) -> Project:
    """Exactly these members, from this moment. NOT_FOUND for a name that is nobody's."""
    now, wanted = _unchanged(tx, id, version), sorted(set(names))
    known = set(tx.execute(select(identities.c.name).where(identities.c.name.in_(wanted))).scalars())
    if set(wanted) - known:
        raise Refusal(Reason.NOT_FOUND, "There is no identity of that name.", "GET /v1/identities lists them.")
    tx.execute(delete(table).where(table.c.project == id))
    if wanted:
        tx.execute(insert(table), [{"project": id, "name": name} for name in wanted])
    return store(tx, replace(now, version=now.version + 1))


def change(
    tx: Transaction,
    id: str,
    *,
    title: str | None = None,
    lay_summary: str | None = None,
    ends_on: date | None = None,
    state: str | None = None,
    approvals: tuple[OutsideApproval, ...] | None = None,
    organisation: str | None = None,
    benefit: str | None = None,
    version: int | None = None,
) -> Project:
    """Change what is given. The caller has the second person's approval where this `loosens`."""
    now = _unchanged(tx, id, version)
    if state is not None and state != now.state and state not in _NEXT[now.state]:
        raise Refusal(Reason.INVALID_REQUEST, f"A project that is {now.state} does not become {state}.", _way_out(now.state))
    words = {"title": title, "lay_summary": lay_summary, "organisation": organisation, "benefit": benefit}
    given = words | {"ends_on": ends_on, "state": state, "approvals": approvals}
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    then = replace(now, version=now.version + 1, **wanted)
    if then.state == ACTIVE != now.state and not then.approvals:
        raise Refusal(
            Reason.INVALID_REQUEST,
            "A project becomes active on at least one approval.",
            'Record one first: {"approvals": [{"kind": "ethics", "reference": "…", "expires_at": "2027-01-01T00:00:00Z"}]}',
        )
    return store(tx, then)


def repurpose(tx: Transaction, id: str, purpose: str, legal_basis: str) -> Project:
    """Another purpose, or another legal basis: what was approved was not this. The project stops at once, and becomes active
    again on approvals of its own, by two people."""
    now = get(tx, id)
    if now.state not in (ACTIVE, INACTIVE):
        raise Refusal(
            Reason.INVALID_REQUEST, f"The purpose of a project that is {now.state} does not change.", _way_out(now.state)
        )
    then = replace(now, purpose=purpose, legal_basis=legal_basis, state=INACTIVE, approvals=(), version=now.version + 1)
    return store(tx, then)


def loosens(now: Project, then: Project) -> bool:
    """Whether a change lets a project ask more, or longer: what one person may not do alone."""
    return then.ends_on > now.ends_on or then.state == ACTIVE != now.state or outside.extends(now.approvals, then.approvals)


def store(tx: Transaction, project: Project) -> Project:
    """Write down a changed project."""
    changing = (
        "title",
        "purpose",
        "legal_basis",
        "lay_summary",
        "organisation",
        "benefit",
        "state",
        "faults",
        "held_at",
        "version",
    )
    values = {name: getattr(project, name) for name in changing} | _as_text(project)
    tx.execute(update(projects).where(projects.c.id == project.id).values(values))
    return project


def _unchanged(tx: Transaction, id: str, version: int | None) -> Project:
    now = get(tx, id)
    if version is not None and version != now.version:
        raise Refusal(Reason.CHANGED_MEANWHILE, "This project was changed since you read it.", "Read it again.")
    return now


def _way_out(state: str) -> str:
    return "Release the hold, or close the project." if state == HELD else "Closed is for good: make a new project."


def _project(row: Row[Any]) -> Project:
    fields = dict(row._mapping)
    kept = {"ends_on": date.fromisoformat(row.ends_on), "approvals": outside.approvals_of(json.loads(row.approvals))}
    return Project(**fields | kept)


def _as_text(project: Project) -> dict[str, str]:
    approvals = canonical([one.to_json() for one in project.approvals]).decode()
    return {"ends_on": project.ends_on.isoformat(), "approvals": approvals}
