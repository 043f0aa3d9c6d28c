"""The policy in force: what is on disk is compared with it at each opening, and a looser one waits for two controllers.

Promises that the log says which policies were in force from when, and what each changed. Never lets one person loosen them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations
from typing import Any

from tre import audit, budget, optouts, projects
from tre.budget import Stated
from tre.errors import Reason, Refusal, Unfit
from tre.office import changes
from tre.office.act import Act, Body, demand
from tre.office.people import People
from tre.policy import Difference, Effect, Policies, differences, whole
from tre.projects import policies as kept
from tre.projects.approvals import apart
from tre.state import Transaction
from tre.terms import Person, canonical, digest

NEEDED = 2
ADOPTED, CHANGED, APPROVED = "policy-adopted", "policy-changed", "policy-approved"
# Of an entry's 65,535 bytes, for the differences; written as text inside of JSON they grow to twice that at most.
MOST_BYTES = 16_000
MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """The policies on disk beside those in force (None in a home that took none yet). ``approvers``: whose approval counts."""

    digest: str
    in_force: str | None
    differences: tuple[Difference, ...] = ()
    approvers: tuple[str, ...] = ()
    approved: bool = False

    @property
    def effect(self) -> Effect:
        return whole(self.differences)

    @property
    def moved(self) -> bool:
        return self.digest != self.in_force

    @property
    def waits(self) -> bool:
        """Whether it is looser than what is in force and not approved by two."""
        return self.in_force is not None and self.moved and self.effect == Effect.LOOSER and not self.approved

    @property
    def looser(self) -> list[Difference]:
        return [one for one in self.differences if one.effect == Effect.LOOSER]

    @property
    def needs(self) -> str:
        if not self.moved:
            return "nothing: it is in force"
        if not self.waits:
            return "the next start of tre serve"
        return f"two controllers: tre policy approve {self.digest} ({len(self.approvers)} of {NEEDED} so far)"

    def to_json(self) -> dict[str, Any]:
        return {
            "digest": self.digest,
            "in_force": self.in_force,
            "effect": str(self.effect) if self.moved and self.in_force else None,
            "needs": self.needs,
            "approvals": len(self.approvers),
            "differences": [one.to_json() for one in self.differences],
        }

    def unfit(self) -> Unfit:
        """Why nothing is opened under it, with each looser field and the command to run."""
        told = [str(one) for one in self.looser[:MOST_TOLD]]
        more = f"; and {len(self.looser) - MOST_TOLD} more, which tre policy check lists" if len(self.looser) > MOST_TOLD else ""
        return Unfit(
            f"the policy on disk is looser than the one in force: {'; '.join(told)}{more}. Put the files back, or let two "
            f"controllers each run: tre policy approve {self.digest} ({len(self.approvers)} of {NEEDED} so far)"
        )


class Policing(People):
    """What the policies on disk change, who approves it, and taking them."""

    def compare_policy(self) -> Comparison:
        with self.state.read() as tx:
            return self._compared(tx)

    def policy_warnings(self) -> list[str]:
        """What the policies on disk say that is sound and still to be looked at, and what this home makes of it."""
        with self.state.read() as tx:
            closed = [
                f"{', '.join(names)}: one population ({people}), answered under different opt-outs before: none answers any more"
                for people, names in self.policies.populations.items()
                if optouts.mode(tx, self.policies.same_people(names[0])) == ()
            ]
        return [*self.policies.warnings(), *closed]

    def agree(self, alone: AbstractContextManager[None]) -> None:
        """The policies on disk are those in force, or come into force here, ``alone``: no `tre serve` runs under others. `Unfit`
        when they are looser and two have not approved."""
        found = self.compare_policy()
        if found.waits:
            raise found.unfit()
        if found.moved:
            with alone:
                self._take_policy()

    def _take_policy(self) -> None:

        def write(tx: Transaction) -> Unfit | None:
            found = self._compared(tx)
            if found.waits:
                return found.unfit()
            if found.moved:
                kept.take(tx, self.policies.resolved, self.clock())
                self._policy_entry(tx, found)
                self._within_caps(tx)
                self._keep_modes(tx)
            return None

        if unfit := self.state.write(write):
            raise unfit

    def approve_policy(self, token: str, wanted: str) -> dict[str, Any]:
        """A controller's approval of the policies on disk, in place of those in force now."""
        person = self.sign_in(token)

        def write(tx: Transaction) -> dict[str, Any]:
            found = self._compared(tx)
            _approvable(found, wanted)
            self._may_approve(tx, person, found)
            kept.approve(tx, found.digest, str(found.in_force), person.name, self.clock())
            body: Body = {"policies": found.digest, "follows": found.in_force}
            audit.append(tx, Act(APPROVED, person, self.clock(), body=body).entry())
            return self._compared(tx).to_json()

        return self.state.write(write)

    # ------------------------------------------------------------------ the comparison
    def _compared(self, tx: Transaction) -> Comparison:
        now, on_disk = kept.in_force(tx), self.policies.digest
        logged = audit.last(tx, ADOPTED, CHANGED)
        if (now.digest if now else None) != (logged.body["policies"] if logged else None):
            raise Unfit("the policy kept in the database is not the one that the log names; put back the backup of the database")
        if now is None or now.digest == on_disk:
            return Comparison(on_disk, now.digest if now else None)
        counted = [name for name in kept.approvers(tx, on_disk, now.digest) if self._controls(tx, name)]
        agreed = any(apart(tx, changes.Role.kind, one, other) for one, other in combinations(counted, NEEDED))
        return Comparison(on_disk, now.digest, differences(now.resolved, self.policies.resolved), tuple(counted), agreed)

    def _controls(self, tx: Transaction, name: str) -> bool:
        """Whether somebody is a controller now: who was revoked since does not count any more."""
        found = projects.identity(tx, name)
        return found.revoked_at is None and "controller" in found.roles

    def _may_approve(self, tx: Transaction, person: Person, found: Comparison) -> None:
        demand(person, "controller")
        if not self._controls(tx, person.name):
            raise Refusal(Reason.ROLE_NOT_ALLOWED, "You are not a controller any more.")
        if person.name in found.approvers:
            raise _another("You have approved this policy already.")
        if not all(apart(tx, changes.Role.kind, person.name, other) for other in found.approvers):
            raise _another("Who makes an identity sees its token, so you and who approved before do not count as two people.")

    # ------------------------------------------------------------------ the entries
    def _policy_entry(self, tx: Transaction, found: Comparison) -> None:
        digests = canonical({name: policy.digest for name, policy in self.policies.datasets.items()}).decode()
        body: dict[str, str | int | None] = {"policies": found.digest, "digests": digests, **_facts(self.policies)}
        if found.in_force is not None:
            body |= {"follows": found.in_force, "effect": str(found.effect), **_told(found.differences)}
        if found.in_force is not None and found.effect == Effect.LOOSER:
            body["approved_by"] = ",".join(projects.identity(tx, name).pseudonym for name in found.approvers)
        kind = ADOPTED if found.in_force is None else CHANGED
        audit.append(tx, Act(kind, self.host, self.clock(), body=body).entry())

    def _within_caps(self, tx: Transaction) -> None:
        """What was granted over a dataset's cap as it is now goes down to it, with the entry of a budget."""
        for dataset, policy in self.policies.datasets.items():
            scope, cap = f"dataset:{dataset}", policy.lifetime_cap
            if not budget.exists(tx, scope):
                continue
            now = budget.balance(tx, scope).stated
            then = _least(now, cap.epsilon, cap.delta)
            if then != now:
                budget.lower(tx, scope, then)
                body: Body = {"epsilon": f"{then.epsilon:f}", "delta": f"{then.delta:f}", "why": "lifetime cap"}
                audit.append(tx, Act("budget", self.host, self.clock(), dataset=dataset, body=body).entry())

    def _keep_modes(self, tx: Transaction) -> None:
        """What a population has answered under is that of each of its datasets from here on, whichever of them goes."""
        for population, names in self.policies.populations.items():
            people = self.policies.same_people(names[0])
            fixed = optouts.mode(tx, people)
            if fixed:
                optouts.fix_mode(tx, people, fixed, self.clock())
            elif fixed is not None:
                optouts.close_mode(tx, population, self.clock())


def _facts(policies: Policies) -> Mapping[str, str]:
    """What the register tells of the policies."""
    datasets = {
        name: {
            "title": policy.title,
            "controller": policy.controller,
            "lifetime_cap": {"epsilon": f"{policy.lifetime_cap.epsilon:f}", "delta": f"{policy.lifetime_cap.delta:f}"},
            "max_list_age_days": policy.opt_outs.max_list_age_days,
        }
        for name, policy in policies.datasets.items()
    }
    purposes = {name: found.model_dump(mode="json") for name, found in policies.purposes.items()}
    told = {"datasets": canonical(datasets).decode(), "purposes": canonical(purposes).decode()}
    return told | {"prohibited": ",".join(policies.prohibited)}


def _least(now: Stated, epsilon: Decimal, delta: Decimal) -> Stated:
    """The budget within a cap. Where delta goes down, what was set aside for discovered keys goes down alike."""
    if now.delta <= delta:
        return Stated(min(now.epsilon, epsilon), now.delta, now.keys_delta)
    keys = None if now.keys_delta is None else now.keys_delta * delta / now.delta
    return Stated(min(now.epsilon, epsilon), delta, keys)


def _approvable(found: Comparison, wanted: str) -> None:
    if wanted != found.digest:
        raise Refusal(
            Reason.CHANGED_MEANWHILE, "The policy on disk has another digest.", "tre policy check tells it, and what it changes."
        )
    if found.in_force is None or not found.moved or found.effect != Effect.LOOSER:
        raise Refusal(Reason.INVALID_REQUEST, "The policy on disk is not looser than the one in force: nobody has to approve it.")


def _another(why: str) -> Refusal:
    return Refusal(Reason.ROLE_NOT_ALLOWED, f"{why} Another controller has to approve.", "Ask another controller.")


def _told(found: tuple[Difference, ...]) -> Mapping[str, str | int | None]:
    """The differences as an entry says them: each of them, the looser first, as far as they fit; and a digest of all of them."""
    every = [one.to_json() for one in found]
    fitting, size = 0, 0
    while fitting < len(every) and size + len(canonical(every[fitting])) < MOST_BYTES:
        size += len(canonical(every[fitting])) + 1
        fitting += 1
    told: dict[str, str | int | None] = {"differences": canonical(every[:fitting]).decode()}
    if fitting < len(every):
        told |= {"not_told": len(every) - fitting, "all_differences": digest(canonical(every))}
    promises = [str(one) for one in found if one.promises]
    return told | ({"new_promise": "; ".join(promises[:MOST_TOLD])} if promises else {})
