"""What stops every question of a dataset or a project, and how it is opened: lists of opt-outs, and budgets after a restore.

Read by `tre doctor`. Says nothing of anybody: which lists and which budgets, and never a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tre import budget, optouts, projects, store
from tre.optouts import BY_LIST
from tre.policy import DatasetPolicy, Policies
from tre.projects.project import CLOSED
from tre.state import Transaction

_WORDS = {
    "closed": "has not come whole since a restore",
    "never": "was never delivered",
    "old": "is older than the {days} days that the policy allows",
    "ahead": "is from a time that has not come: the clock is wrong",
    "lost": "is not where it should be: its file is gone",
}


@dataclass(frozen=True, slots=True)
class Closure:
    """``stops``: questions, or what a restore has to bring back; not the records that a new dataset has not yet."""

    told: str
    stops: bool


def lists(tx: Transaction, policies: Policies, registers: Path, now: datetime) -> list[Closure]:
    """For each dataset, the lists that a question on it needs and on which none is answered, each with its mend."""
    return [told for name, policy in policies.datasets.items() for told in _lists(tx, policies, name, policy, registers, now)]


def _lists(
    tx: Transaction, policies: Policies, dataset: str, policy: DatasetPolicy, registers: Path, now: datetime
) -> Iterator[Closure]:
    days = policy.opt_outs.max_list_age_days
    needed = _needed(tx, policies, dataset)
    found: dict[str, str] = {**optouts.wanting(tx, needed, now, days, policy.opt_outs.national)}
    if optouts.NATIONAL in needed and policy.opt_outs.national == BY_LIST and BY_LIST not in found:
        cleared = optouts.cleared(tx)
        if cleared is not None and not store.place_of(registers, cleared.list).is_file():
            found[BY_LIST] = "lost"
    for one, why in found.items():
        told = f"{dataset}: the list {one} {_WORDS[why].format(days=days)} ({_mend(one, why)})"
        yield Closure(told, why == "closed" or store.live(tx, dataset) is not None)


def _needed(tx: Transaction, policies: Policies, dataset: str) -> set[str]:
    """The opt-outs under which the dataset answers; before its first answer, and where it answers under none any more, all that a
    purpose may ask under."""
    fixed = optouts.mode(tx, policies.same_people(dataset))
    return {*fixed} if fixed else {regime for purpose in policies.purposes.values() for regime in purpose.regimes}


def _mend(one: str, why: str) -> str:
    if one == BY_LIST:
        return "run: tre opt-outs cleared FILE"
    return f"run: tre opt-outs apply FILE --regime {one}{' --whole' if why == 'closed' else ''}"


def budgets(tx: Transaction, datasets: list[str]) -> list[str]:
    """The privacy budgets that take no charge until two people have set them anew, of what may still ask, each with its mend."""
    closed = set(budget.closed_accounts(tx))
    mends = {f"dataset:{name}": f"dataset {name} (PUT /v1/datasets/{name}/budget)" for name in datasets}
    for project in projects.every(tx):
        if project.state == CLOSED:
            continue
        mends[f"project:{project.id}"] = f"project {project.id} (PUT /v1/projects/{project.id}/budget)"
        for name in projects.members(tx, project.id):
            mends[f"researcher:{project.id}/{name}"] = (
                f"{name}'s own in {project.id} (PUT /v1/projects/{project.id}/members, with their epsilon and delta)"
            )
    return [told for scope, told in mends.items() if scope in closed]
