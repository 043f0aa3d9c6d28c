"""Exemptions from opt-outs: proposed by one controller, in force when another approves, ended at once by any."""

from __future__ import annotations

import secrets
from typing import Any

from tre import audit, projects
from tre.office.act import Act, Proposed, demand
from tre.office.changes import Exempting as Change
from tre.office.rooms import Rooms
from tre.projects import approvals, exemptions
from tre.state import Transaction
from tre.terms import Person

LONGEST_LIST = 1_000


class Exempting(Rooms):
    """What lifts an opt-out for a project. Each step is an entry that everyone can read."""

    def exemptions(self, person: Person) -> dict[str, Any]:
        """Those in force, and those that wait for another controller, newest first."""
        demand(person, "controller", "auditor", "admin")
        with self.state.read() as tx:
            counting = [one for project in projects.every(tx) for one in exemptions.in_force(tx, project.id, self.clock())]
            waiting = approvals.every(tx, approvals.WAITING, LONGEST_LIST)
        return {
            "in_force": [{**one.to_json(), "project": one.project, "since": one.granted_at} for one in counting],
            "waiting": [
                {"approval": one.id, "address": f"/v1/approvals/{one.id}", "project": one.subject, "proposed": dict(one.payload)}
                for one in waiting
                if one.kind == Change.kind
            ],
        }

    def propose_exemption(self, person: Person, project: str, fields: dict[str, Any]) -> Proposed:
        """It waits for another controller. ``fields``: regimes, legal_basis, approval_reference, expires_on, why."""
        demand(person, "controller")
        payload = {"exemption": secrets.token_hex(16), **fields}

        def write(tx: Transaction) -> Proposed:
            self._still(tx, person, "controller")
            return self._propose(tx, person, Change(project, payload, self.policies, self.clock()))

        return self.state.write(write)

    def revoke_exemption(self, person: Person, id: str) -> dict[str, Any]:
        """The opt-outs apply again from this moment: to whatever is asked, waits, or runs."""
        demand(person, "controller")

        def write(tx: Transaction) -> dict[str, Any]:
            self._still(tx, person, "controller")
            gone = exemptions.revoke(tx, id, self.clock())
            entry = Act("exemption-revoked", person, self.clock(), gone.project, body={"exemption": gone.id}).entry()
            audit.append(tx, entry)
            return {"exemption": gone.id, "project": gone.project, "revoked_at": gone.revoked_at}

        return self.state.write(write)
