"""What a changed policy changes, field by field, and which way: tighter, neutral or looser.

Each field of the model has a rule here. What has none, and what a rule cannot judge, is looser: then two people look at it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from tre.policy.model import (
    Accounting,
    ColumnPolicy,
    DatasetPolicy,
    Disclosure,
    LifetimeCap,
    OptOuts,
    PersonSource,
    PublishedSize,
    PurposePolicy,
    Strict,
    TablePolicy,
)
from tre.terms import canonical, digest

Resolved = Mapping[str, Any]
"""Everything a folder of policies says, as JSON: datasets, purposes, prohibited, codelists."""

PURPOSES = "purposes.yaml"
LONGEST, MEMBERS_TOLD = 160, 10


class Effect(StrEnum):
    """Which way a field was changed, for the people in the records."""

    TIGHTER = "tighter"
    NEUTRAL = "neutral"
    LOOSER = "looser"


TIGHTER, NEUTRAL, LOOSER = Effect
Rule = Callable[[Any, Any], Effect]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of one file. None stands for what is not there."""

    file: str
    field: str
    old: Any
    new: Any
    effect: Effect

    @property
    def promises(self) -> bool:
        """Whether a promise over all projects is made anew: by a higher lifetime cap, or by one more dataset."""
        new = not self.field and self.file.startswith("datasets/")
        return self.effect == LOOSER and (new or self.field in ("lifetime_cap.epsilon", "lifetime_cap.delta"))

    def to_json(self) -> dict[str, Any]:
        """What it was and is, each short enough for an entry of the log."""
        old, new = _shown(self.old, self.new)
        return {"file": self.file, "field": self.field, "effect": str(self.effect), "old": old, "new": new}

    def __str__(self) -> str:
        old, new = _shown(self.old, self.new)
        return f"{self.file}: {self.field or 'the whole file'}: {old} → {new} ({self.effect})"


# ------------------------------------------------------------------------------------------------------------------- the rules


def less(old: Any, new: Any) -> Effect:
    """Less is tighter: of a number, or of a date."""
    if (order := _order(old, new)) is None:
        return LOOSER
    return LOOSER if order > 0 else TIGHTER


def more(old: Any, new: Any) -> Effect:
    """More is tighter."""
    return less(new, old)


def fewer(old: Any, new: Any) -> Effect:
    """A list: anything added is looser, also when something else goes; the order of it says nothing."""
    if not isinstance(old, list) or not isinstance(new, list) or set(new) - set(old):
        return LOOSER
    return TIGHTER if set(old) - set(new) else NEUTRAL


def further(old: Any, new: Any) -> Effect:
    """A list that protects: anything taken out is looser."""
    return fewer(new, old)


def words(old: Any, new: Any) -> Effect:
    """Words for people to read, and what is resolved elsewhere."""
    return NEUTRAL


def doubted(old: Any, new: Any) -> Effect:
    """It cannot be told from the two values which way they go."""
    return LOOSER


def set_to(protecting: Any) -> Rule:
    """One value protects; every way to it is tighter, every other change looser."""
    return lambda old, new: TIGHTER if new == protecting else LOOSER


RULES: Mapping[str, Rule] = {
    "DatasetPolicy.dataset": doubted,
    # Of other people it might answer under other opt-outs, and whether they are others no name tells.
    "DatasetPolicy.population": doubted,
    "DatasetPolicy.title": words,
    "DatasetPolicy.controller": words,
    "DatasetPolicy.max_persons": less,
    "DatasetPolicy.privacy_unit": doubted,
    "DatasetPolicy.birth": doubted,  # what age is reckoned from
    "LifetimeCap.epsilon": less,
    "LifetimeCap.delta": less,
    "PersonSource.column": doubted,
    "PersonSource.check": set_to("nhs-number"),
    "TablePolicy.description": words,
    # That a person has one row is what sensitivity stands on: it is claimed or given up by two people.
    "TablePolicy.one_row_per_person": doubted,
    "TablePolicy.max_rows": less,
    "TablePolicy.max_groups": less,
    "TablePolicy.row_cap": less,
    "ColumnPolicy.type": doubted,
    "ColumnPolicy.keys": set_to(None),
    "ColumnPolicy.values_from": words,  # the values themselves are compared
    "ColumnPolicy.values": fewer,
    # Clamp bounds: wider ones let more of one person's value through, and are more keys where they are keys; narrower ones less.
    "ColumnPolicy.min": more,
    "ColumnPolicy.max": less,
    "ColumnPolicy.grid": more,
    "ColumnPolicy.nullable": set_to(False),  # NULL is one more key
    "ColumnPolicy.level": set_to("organisation"),
    "ColumnPolicy.description": words,
    "ColumnPolicy.source": words,
    "Disclosure.threshold": more,
    "Disclosure.rounding": more,
    "Disclosure.max_rows_out": less,
    "Accounting.default_share": less,
    "Accounting.quantum_ms": more,  # coarser steps of time tell less
    "Accounting.deadline_s": less,
    "Accounting.queue": words,  # who waits has touched nothing
    "Accounting.faults_before_hold": less,
    # Release times are chosen from it and the catalogue tells it: one that followed the records would tell of them.
    "PublishedSize.persons": doubted,
    "PublishedSize.rows": doubted,
    "PublishedSize.source": words,
    "OptOuts.max_list_age_days": less,
    "OptOuts.national": set_to("check-service"),
    "OptOuts.alarm_after_days": less,
    "PurposePolicy.regimes": further,
    "PurposePolicy.exemption_required": set_to(True),
}
PARTS: Mapping[str, type[Strict]] = {
    "DatasetPolicy.person_source": PersonSource,
    "DatasetPolicy.lifetime_cap": LifetimeCap,
    "DatasetPolicy.disclosure": Disclosure,
    "DatasetPolicy.accounting": Accounting,
    "DatasetPolicy.published_size": PublishedSize,
    "DatasetPolicy.opt_outs": OptOuts,
}
# Named things: one more can be asked of, one less cannot.
NAMED: Mapping[str, type[Strict]] = {"DatasetPolicy.tables": TablePolicy, "TablePolicy.columns": ColumnPolicy}


def unclassified(models: Collection[type[Strict]]) -> set[str]:
    """The fields that no rule speaks of; a change of theirs counts as looser until one does."""
    known = {*RULES, *PARTS, *NAMED}
    return {f"{model.__name__}.{name}" for model in models for name in model.model_fields} - known


# ---------------------------------------------------------------------------------------------------------------- the comparison


def differences(old: Resolved, new: Resolved) -> tuple[Difference, ...]:
    """Every field that differs, the looser ones first."""
    found = [*_datasets(old["datasets"], new["datasets"]), *_purposes(old, new), *_codelists(old["codelists"], new["codelists"])]
    order = (LOOSER, TIGHTER, NEUTRAL)
    return tuple(sorted(found, key=lambda one: order.index(one.effect)))


def whole(found: Collection[Difference]) -> Effect:
    """The effect of all of them: one looser field makes a looser policy."""
    effects = {one.effect for one in found}
    return LOOSER if LOOSER in effects else TIGHTER if TIGHTER in effects else NEUTRAL


def _datasets(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        file = f"datasets/{name}.yaml"
        yield from _thing(file, "", DatasetPolicy, old.get(name), new.get(name))


def _purposes(old: Resolved, new: Resolved) -> Iterator[Difference]:
    yield from _things(PURPOSES, "purposes", PurposePolicy, old["purposes"], new["purposes"])
    if old["prohibited"] != new["prohibited"]:
        effect = further(old["prohibited"], new["prohibited"])
        yield Difference(PURPOSES, "prohibited", old["prohibited"], new["prohibited"], effect)


def _codelists(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """What a list's name stands for is a convenience: a researcher may bring any codes of their own."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield Difference(f"codelists/{name}.csv", "", before, after, NEUTRAL)


def _things(file: str, where: str, model: type[Strict], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        yield from _thing(file, f"{where}.{name}", model, old.get(name), new.get(name))


def _thing(file: str, where: str, model: type[Strict], old: Any, new: Any) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference(file, where, old and "there", new and "there", LOOSER if old is None else TIGHTER)
    else:
        yield from _fields(file, where, model, old, new)


def _fields(file: str, where: str, model: type[Strict], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in sorted({*old, *new}):
        if name in old and name in new and old[name] == new[name]:
            continue
        field, at = f"{model.__name__}.{name}", f"{where}.{name}".removeprefix(".")
        if field in PARTS and name in old and name in new:
            yield from _fields(file, at, PARTS[field], old[name], new[name])
        elif field in NAMED and name in old and name in new:
            yield from _things(file, at, NAMED[field], old[name], new[name])
        else:
            yield Difference(file, at, old.get(name), new.get(name), _effect(model, name, old, new))


def _effect(model: type[Strict], name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Effect:
    """By the field's rule. A field that an older version did not know is neutral where it says what was so before."""
    if name in old and name in new:
        return RULES.get(f"{model.__name__}.{name}", doubted)(old[name], new[name])
    return NEUTRAL if name in new and _default(model, name, new[name]) else LOOSER


def _default(model: type[Strict], name: str, value: Any) -> bool:
    """Whether a value is what the field says where it is not written: such a default opens nothing."""
    field = model.model_fields.get(name)
    if field is None or field.is_required():
        return False
    return bool(value == (list(field.default) if isinstance(field.default, tuple) else field.default))


def _order(old: Any, new: Any) -> int | None:
    """-1, 0 or 1 as ``new`` is below, equal to or above ``old``; None when they are not of one kind."""
    if old is None or new is None:
        return None
    first, second = _number(old), _number(new)
    if (first is None) != (second is None):
        return None
    below, above = (str(old), str(new)) if first is None or second is None else (first, second)
    return (above > below) - (above < below)  # type: ignore[operator]


def _number(value: Any) -> Decimal | None:
    """A number as JSON has it here, an integer or a decimal's text; None for a day, whose text sorts as it is."""
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


# ------------------------------------------------------------------------------------------------------------------- the telling


def _shown(old: Any, new: Any) -> tuple[str, str]:
    """Old and new for people to read: of lists, how many and what is not in the other."""
    if isinstance(old, list | None) and isinstance(new, list | None) and (old or new):
        return _members(old, new), _members(new, old)
    return _cut(old), _cut(new)


def _members(these: list[Any] | None, those: list[Any] | None) -> str:
    if these is None:
        return "nothing"
    others = set(those or ())
    only = [str(one) for one in these if one not in others]
    told = ", ".join(one[:LONGEST] for one in only[:MEMBERS_TOLD])
    more_of_them = f" and {len(only) - MEMBERS_TOLD} more" if len(only) > MEMBERS_TOLD else ""
    return _cut_text(f"{len(these)} in all" + (f", only here: {told}{more_of_them}" if only else ""), these)


def _cut(value: Any) -> str:
    return "nothing" if value is None else _cut_text(value if isinstance(value, str) else canonical(value).decode(), value)


def _cut_text(text: str, value: Any) -> str:
    """A text in full where it is short; else its beginning and the digest of the whole value."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({digest(canonical(value))})"
