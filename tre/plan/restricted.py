"""The type that says opt-outs were applied."""

from __future__ import annotations

from dataclasses import dataclass

from tre.plan.nodes import Plan, to_json
from tre.terms import canonical, digest


@dataclass(frozen=True, slots=True)
class RestrictedPlan:
    """A plan that leaves out everyone who objected to the purpose. Only ``optouts.restrict`` makes one.

    ``regimes`` in force are sorted. The version of the registers is not part of the plan: it is read when the question runs.
    """

    plan: Plan
    purpose: str
    regimes: tuple[str, ...]
    exemptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if list(self.regimes) != sorted(set(self.regimes)) or (not self.regimes and not self.exemptions):
            raise ValueError("the regimes in force are named, once each and in order")

    @property
    def digest(self) -> str:
        """The digest by which a release is found again, once `plan.canonical` has brought equal questions to one form."""
        return digest(
            canonical(
                {
                    "plan": to_json(self.plan),
                    "purpose": self.purpose,
                    "regimes": list(self.regimes),
                    "exemptions": list(self.exemptions),
                }
            )
        )
