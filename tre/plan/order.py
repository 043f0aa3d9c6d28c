"""What is handed to the vault: everything an answer needs, so that the vault reads no policy and no setting."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tre.loss import PrivacyLoss
from tre.plan import choice
from tre.plan.measures import measured
from tre.plan.nodes import Plan, from_json, to_json
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
class Offer:
    """What is drawn, and how discovered keys are chosen, where the bound that was left open is ``k`` rows. Each offer of a choice
    costs no more than what is left of the charge."""

    k: int
    draws: tuple[Draw, ...]
    selection: Selection | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """How a bound is chosen (`plan.choice`). ``ranks``: the noisy maximum over the grid; ``clamped``: of the number of persons
    beyond the chosen bound. ``offers``: one for each bound of the grid, ascending."""

    ranks: Draw
    clamped: Draw
    offers: tuple[Offer, ...]

    @property
    def draws(self) -> tuple[Draw, Draw]:
        """What is drawn whatever is chosen."""
        return self.ranks, self.clamped

    def offer(self, k: int) -> Offer:
        """ValueError for a bound that is not on the grid."""
        for one in self.offers:
            if one.k == k:
                return one
        raise ValueError("no such bound was offered")


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
    ``max_persons`` is the public number that proves that sums fit 64 bits. ``choice``: how a bound that the plan leaves open is
    chosen; ``bound``: which was, None as long as none is, and then ``draws`` are those of the largest."""

    restricted: RestrictedPlan
    reservation: Reservation
    snapshot: Snapshot
    exclusion: Exclusion
    draws: tuple[Draw, ...]
    disclosure: DisclosureRules
    max_persons: int
    deadline_s: float
    selection: Selection | None = None
    choice: Choice | None = None
    bound: int | None = None

    def __post_init__(self) -> None:
        if self.exclusion.snapshot != self.snapshot.id or self.exclusion.regimes != self.restricted.regimes:
            raise ValueError("the exclusion is of another snapshot or of other regimes")
        _check_draws(self.plan, self.draws, self.selection)
        if (self.choice is not None) != bool(choice.automatic(self.restricted.plan)):
            raise ValueError("a bound is chosen where the plan leaves one open")
        if self.choice is None:
            if self.bound is not None:
                raise ValueError("a bound that nothing offered")
            return
        if tuple(one.k for one in self.choice.offers) != choice.bounds(self.restricted.plan):
            raise ValueError("one offer for each bound of the grid")
        for one in self.choice.offers:
            _check_draws(choice.bounded(self.restricted.plan, one.k), one.draws, one.selection)
        offer = self.choice.offers[-1] if self.bound is None else self.choice.offer(self.bound)
        if (self.draws, self.selection) != (offer.draws, offer.selection):
            raise ValueError("the draws are those of the bound")

    @property
    def plan(self) -> Plan:
        """What is counted: with the chosen bound, once there is one."""
        return self.restricted.plan if self.bound is None else choice.bounded(self.restricted.plan, self.bound)

    def at(self, k: int) -> Order:
        """The same with its bound chosen. ValueError where it was not offered, or is chosen already."""
        if self.choice is None or self.bound is not None:
            raise ValueError("no bound is left to choose")
        offer = self.choice.offer(k)
        return Order(
            self.restricted, self.reservation, self.snapshot, self.exclusion, offer.draws, self.disclosure, self.max_persons,
            self.deadline_s, offer.selection, self.choice, k,
        )  # fmt: skip


def _check_draws(plan: Plan, draws: tuple[Draw, ...], selection: Selection | None) -> None:
    measures = measured(plan).measures
    if len(draws) != len(measures):
        raise ValueError("one draw a measure, in their order")
    if any((draw.mechanism == NOISY_MAX) != (m.kind == "ranks") for draw, m in zip(draws, measures, strict=True)):
        raise ValueError("quantiles, and nothing else, are chosen by a noisy maximum")
    if (selection is not None) != plan.discovered:
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
        "choice": None if order.choice is None else asdict(order.choice),
        "bound": order.bound,
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
        selection=_selection_from(body["selection"]),
        choice=None if body["choice"] is None else _choice_from(body["choice"]),
        bound=body["bound"],
    )


def _selection_from(body: dict[str, Any] | None) -> Selection | None:
    return None if body is None else Selection(**body)


def _choice_from(body: dict[str, Any]) -> Choice:
    offers = (
        Offer(one["k"], tuple(Draw(**draw) for draw in one["draws"]), _selection_from(one["selection"])) for one in body["offers"]
    )
    return Choice(Draw(**body["ranks"]), Draw(**body["clamped"]), tuple(offers))
