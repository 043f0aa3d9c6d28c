"""What is handed to the vault: everything an answer needs, so that the vault reads no policy and no setting."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tre.loss import PrivacyLoss
from tre.plan.measures import measured
from tre.plan.nodes import from_json, to_json
from tre.plan.restricted import RestrictedPlan
from tre.terms import Exclusion, Reservation, Snapshot

GAUSSIAN, LAPLACE, NOISY_MAX = "discrete gaussian", "discrete laplace", "noisy max"
LARGEST_SCALE = 2.0**50  # below it noise leaves the half of 64 bits that is its room less than once in e^4,000 draws


@dataclass(frozen=True, slots=True)
class Draw:
    """How the noise of one measure is drawn, over all groups of all grouping sets in one vector call. ``squared_sensitivity``: L2
    squared, for the discrete Gaussian. ``sensitivity``: L1, for the discrete Laplace; of the noisy maximum the most one person
    moves one group's scores, in their integer unit (and ``groups`` says how many groups one person is in)."""

    mechanism: str
    scale: float
    sensitivity: int
    squared_sensitivity: int
    groups: int = 1

    def __post_init__(self) -> None:
        if self.mechanism not in (GAUSSIAN, LAPLACE, NOISY_MAX):
            raise ValueError("no such mechanism")
        if not 0 < self.scale < LARGEST_SCALE or min(self.sensitivity, self.squared_sensitivity, self.groups) < 1:
            raise ValueError("a draw has a scale and a sensitivity above 0")


@dataclass(frozen=True, slots=True)
class Selection:
    """How discovered keys are chosen: groups whose noisy persons (the first draw) reach ``threshold`` are kept. One person is in
    at most ``groups`` groups; with probability at most ``delta`` (10^-18) a group of one person alone is among the kept."""

    threshold: int
    groups: int
    delta: int


@dataclass(frozen=True, slots=True)
class DisclosureRules:
    """The small-number rules of the policy: threshold, rounding base, the most rows of an answer, and what the record states."""

    threshold: int
    rounding: int
    max_rows_out: int
    policy: str  # digest
    sandbox: str  # "on" | "off"

    def __post_init__(self) -> None:
        if self.threshold < 5 or self.rounding < 1 or self.max_rows_out < 1:
            raise ValueError("a threshold is at least 5, a rounding base at least 1")


@dataclass(frozen=True, slots=True)
class Order:
    """One answer, asked of the vault. ``deadline_s``: when a worker that has not answered is killed.
    ``max_persons`` is the public number that proves that sums fit 64 bits."""

    restricted: RestrictedPlan
    reservation: Reservation
    snapshot: Snapshot
    exclusion: Exclusion
    draws: tuple[Draw, ...]
    disclosure: DisclosureRules
    max_persons: int
    deadline_s: float
    selection: Selection | None = None

    def __post_init__(self) -> None:
        if self.exclusion.snapshot != self.snapshot.id or self.exclusion.regimes != self.restricted.regimes:
            raise ValueError("the exclusion is of another snapshot or of other regimes")
        measures = measured(self.restricted.plan).measures
        if len(self.draws) != len(measures):
            raise ValueError("one draw a measure, in their order")
        if any((draw.mechanism == NOISY_MAX) != (m.kind == "ranks") for draw, m in zip(self.draws, measures, strict=True)):
            raise ValueError("quantiles, and nothing else, are chosen by a noisy maximum")
        if (self.selection is not None) != self.restricted.plan.discovered:
            raise ValueError("discovered keys, and no others, are chosen under a threshold")


def order_to_json(order: Order) -> dict[str, Any]:
    """An order as JSON, for the pipe to a worker."""
    body = {name: asdict(getattr(order, name)) for name in ("reservation", "snapshot", "exclusion", "disclosure")}
    restricted = order.restricted
    return body | {
        "restricted": {
            "plan": to_json(restricted.plan),
            "purpose": restricted.purpose,
            "regimes": list(restricted.regimes),
            "exemptions": list(restricted.exemptions),
        },
        "draws": [asdict(draw) for draw in order.draws],
        "max_persons": order.max_persons,
        "deadline_s": order.deadline_s,
        "selection": None if order.selection is None else asdict(order.selection),
    }


def order_from_json(body: dict[str, Any]) -> Order:
    """The inverse, in the worker: the one place but their makers where a `RestrictedPlan` and a `Reservation` come into being."""
    restricted, reservation = body["restricted"], dict(body["reservation"])
    exclusion = body["exclusion"]
    return Order(
        restricted=RestrictedPlan(
            from_json(restricted["plan"]),
            restricted["purpose"],
            tuple(restricted["regimes"]),
            tuple(restricted["exemptions"]),
        ),
        reservation=Reservation(**reservation | {"loss": PrivacyLoss(**reservation["loss"])}),
        snapshot=Snapshot(**body["snapshot"]),
        exclusion=Exclusion(**exclusion | {"regimes": tuple(exclusion["regimes"])}),
        draws=tuple(Draw(**draw) for draw in body["draws"]),
        disclosure=DisclosureRules(**body["disclosure"]),
        max_persons=body["max_persons"],
        deadline_s=body["deadline_s"],
        selection=None if body["selection"] is None else Selection(**body["selection"]),
    )
