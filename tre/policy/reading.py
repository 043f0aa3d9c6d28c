"""A folder of policies → `Policies`, or `Unfit` with the file, the line and the mend."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tre.errors import Unfit
from tre.policy.model import DatasetPolicy, PurposePolicy, Strict
from tre.policy.yaml import Where, Written, read_yaml
from tre.terms import canonical, digest

# No policy may permit these: leaving one out of `prohibited` would open a protection.
NEVER = ("insurance", "marketing", "credit", "employment", "solely-commercial")


Read = TypeVar("Read", bound=BaseModel)


class _Purposes(Strict):
    purposes: Mapping[str, PurposePolicy]
    prohibited: tuple[str, ...]


@dataclass(frozen=True)
class Policies:
    """Everything under `policies/`, read once."""

    datasets: Mapping[str, DatasetPolicy]
    purposes: Mapping[str, PurposePolicy]
    prohibited: tuple[str, ...]
    codelists: Mapping[str, tuple[str, ...]]

    @cached_property
    def populations(self) -> Mapping[str, tuple[str, ...]]:
        """Whom the datasets are about, and which of them are about the same people, sorted."""
        found: dict[str, list[str]] = {}
        for name in sorted(self.datasets):
            found.setdefault(self.datasets[name].people, []).append(name)
        return {people: tuple(names) for people, names in found.items()}

    def same_people(self, dataset: str) -> tuple[str, ...]:
        """The names that stand for the people of a dataset: of their population and of every dataset of it, sorted. Of one that
        no policy speaks of any more, its own."""
        if dataset not in self.datasets:
            return (dataset,)
        people = self.datasets[dataset].people
        return tuple(sorted({people, *self.populations[people]}))

    def warnings(self) -> list[str]:
        """What is sound and still not what it seems."""
        return [
            _shared(people, [self.datasets[name] for name in names]) for people, names in self.populations.items() if names[1:]
        ]

    @cached_property
    def resolved(self) -> Mapping[str, Any]:
        """All of it as JSON: what `differences` compares, and what the digest is of."""
        return {
            "datasets": {name: policy.model_dump(mode="json") for name, policy in self.datasets.items()},
            "purposes": {name: purpose.model_dump(mode="json") for name, purpose in self.purposes.items()},
            "prohibited": list(self.prohibited),
            "codelists": {name: list(codes) for name, codes in self.codelists.items()},
        }

    @cached_property
    def digest(self) -> str:
        """Of the whole set; each dataset's own digest covers its file, the purposes and the code lists."""
        return digest(canonical(self.resolved))


def read_policies(folder: Path) -> Policies:
    """All policies of a folder: `datasets/*.yaml`, `purposes.yaml` and the code lists they name."""
    if not folder.is_dir():
        raise Unfit(f"{folder}: no such folder of policies; set TRE_POLICIES")
    lists = _lists(folder)
    codelists = {name: codes for name, (heading, codes) in lists.items() if heading == "code"}
    values = {f"codelists/{name}.csv": values for name, (heading, values) in lists.items() if heading == "value"}
    purposes = _purposes(folder)
    rules = {
        "purposes": TypeAdapter(_Purposes).dump_python(purposes, mode="json"),
        "codelists": {name: list(codes) for name, codes in codelists.items()},
    }
    datasets = _datasets(folder, values, digest(canonical(rules)))
    return Policies(datasets, dict(purposes.purposes), purposes.prohibited, codelists)


def _datasets(folder: Path, values: Mapping[str, tuple[str, ...]], rules: str) -> dict[str, DatasetPolicy]:
    datasets: dict[str, DatasetPolicy] = {}
    sources: dict[str, Written] = {}
    for path in sorted((folder / "datasets").glob("*")):
        name = f"datasets/{path.name}"
        if path.suffix != ".yaml":
            raise Unfit(f"{name}, line 1: not read; rename it to {path.stem}.yaml or remove it")
        written = read_yaml(path, name)
        _fill_values(written, values)
        policy = validated(DatasetPolicy, written)
        if policy.dataset != path.stem:
            raise written.unfit(("dataset",), f"the file is named {path.stem}; name both alike")
        datasets[policy.dataset] = policy.under(rules)
        sources[policy.dataset] = written
    if not datasets:
        raise Unfit("datasets: no policy of a dataset; add datasets/<name>.yaml")
    for name, policy in datasets.items():
        named = datasets.get(policy.people)
        if named is not None and named.population is not None:
            told = (
                f"the dataset {policy.people} is about the population {named.population}; write {named.population} here as well"
            )
            raise sources[name].unfit(("population",), told)
    return datasets


def _shared(people: str, policies: Sequence[DatasetPolicy]) -> str:
    """That datasets of one population have each a lifetime cap, and what the same person may lose over all of them."""
    names, caps = ", ".join(policy.dataset for policy in policies), [policy.lifetime_cap for policy in policies]
    epsilon, delta = sum((cap.epsilon for cap in caps), Decimal(0)), sum((cap.delta for cap in caps), Decimal(0))
    return (
        f"{names}: one population ({people}), and each with its own lifetime cap: over all of them the same person may lose "
        f"epsilon {epsilon.normalize():f} at delta {delta.normalize():f}. Lower the caps until their sum is the promise"
    )


def _fill_values(written: Written, values: Mapping[str, tuple[str, ...]]) -> None:
    """Puts the values of each `values_from` list in place, so that the digest covers them."""
    for where, column in _columns(written.values):
        if "values_from" not in column:
            continue
        if "values" in column:
            raise written.unfit((*where, "values_from"), "values and values_from both stand here; remove one")
        if column["values_from"] not in values:
            raise written.unfit((*where, "values_from"), "no such list with a `value` heading; add it under codelists/")
        column["values"] = list(values[column["values_from"]])


def _columns(fields: Any) -> list[tuple[Where, dict[str, Any]]]:
    """Every column of a file that has the shape of a policy; what has not is left to the model to refuse."""
    found: list[tuple[Where, dict[str, Any]]] = []
    tables = fields.get("tables") if isinstance(fields, dict) else None
    for table, body in (tables if isinstance(tables, dict) else {}).items():
        columns = body.get("columns") if isinstance(body, dict) else None
        for name, column in (columns if isinstance(columns, dict) else {}).items():
            if isinstance(column, dict):
                found.append((("tables", table, "columns", name), column))
    return found


def _purposes(folder: Path) -> _Purposes:
    written = read_yaml(folder / "purposes.yaml", "purposes.yaml")
    purposes = validated(_Purposes, written)
    for name in NEVER:
        if name not in purposes.prohibited:
            raise written.unfit(("prohibited",), f"{name} is missing; add it, no policy may permit it")
    for name in sorted(set(purposes.purposes) & set(purposes.prohibited)):
        raise written.unfit(("purposes", name), "permitted and prohibited; remove one")
    return purposes


def validated(model: type[Read], written: Written) -> Read:
    try:
        return model.model_validate(written.values)
    except ValidationError as error:
        first = min(error.errors(include_url=False, include_context=False), key=lambda part: _line(written, part))
        raise written.unfit(_where(first), _told(first)) from None


def _where(error: ErrorDetails) -> Where:
    return tuple(part for part in error["loc"] if part != "[key]")


def _line(written: Written, error: ErrorDetails) -> int:
    where = _where(error)
    while where and where not in written.lines:
        where = where[:-1]
    return written.lines.get(where, 1)


def _told(error: ErrorDetails) -> str:
    """The sentence for one error, and its mend."""
    if error["type"] == "extra_forbidden":
        return "unknown field; remove it or mend its spelling"
    if error["type"] == "missing":
        return "missing; add it"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    return f"{error['msg'][0].lower()}{error['msg'][1:]}; change it"


def _lists(folder: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Every list under `codelists/`: its name, its heading (`code` or `value`) and its first column."""
    found = {}
    for path in sorted((folder / "codelists").glob("*")):
        name = f"codelists/{path.name}"
        if path.suffix != ".csv":
            raise Unfit(f"{name}, line 1: not read; rename it to {path.stem}.csv or remove it")
        found[path.stem] = _list(path, name)
    return found


def _list(path: Path, name: str) -> tuple[str, tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines)
        heading = next(rows, [""])[0]
        if heading not in ("code", "value"):
            raise Unfit(f"{name}, line 1: the first heading is neither code nor value; name the first column")
        entries: dict[str, None] = {}
        for row in rows:
            entry = row[0] if row else ""
            if not entry or entry != entry.strip() or len(entry) > (40 if heading == "code" else 120):
                raise Unfit(f"{name}, line {rows.line_num}: empty, padded or too long; mend or remove the line")
            if entry in entries:
                raise Unfit(f"{name}, line {rows.line_num}: listed twice; remove one")
            entries[entry] = None
    if not entries:
        raise Unfit(f"{name}, line 2: an empty list; add a line or remove the file")
    return heading, tuple(entries)
