"""Who can sign in: identities are made and revoked at once; a role waits for another admin, but at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tre import audit, projects
from tre.errors import Reason, Refusal
from tre.office.act import Act, Body, demand
from tre.office.changes import Role
from tre.office.rooms import Rooms
from tre.state import Transaction
from tre.terms import Person


class People(Rooms):
    """Identities and their roles."""

    def sign_in(self, token: str) -> Person:
        """Whoever holds the token; NOT_SIGNED_IN says nothing of why not."""
        with self.state.read() as tx:
            person = projects.who(tx, token)
        if person is None:
            raise Refusal(Reason.NOT_SIGNED_IN)
        return person

    def me(self, person: Person) -> dict[str, Any]:
        with self.state.read() as tx:
            own = [project.id for project in projects.of(tx, person)]
        return {"name": person.name, "roles": sorted(person.roles), "projects": own}

    def identities(self, person: Person) -> list[dict[str, Any]]:
        demand(person, "admin")
        with self.state.read() as tx:
            found = projects.identities(tx)
        return [
            {
                "name": one.name,
                "pseudonym": one.pseudonym,
                "roles": sorted(one.roles),
                "made_at": one.made_at,
                "revoked_at": one.revoked_at,
            }
            for one in found
        ]

    def make_identity(self, person: Person, name: str, roles: tuple[str, ...]) -> dict[str, Any]:
        """A new identity. At the terminal it has its roles at once; over HTTP each of them waits for another admin."""
        demand(person, "admin")
        if name == self.host.name:
            raise Refusal(Reason.INVALID_REQUEST, "This name is that of the terminal itself.", "Choose another.")
        now, waiting = (tuple(sorted(roles)), ()) if person is self.host else ((), tuple(sorted(set(roles))))

        def write(tx: Transaction) -> dict[str, Any]:
            self._still_admin(tx, person)
            token, body = self._making(name, now)(tx)
            audit.append(tx, Act("identity-made", person, self.clock(), body={"roles": ",".join(now), **body}).entry())
            proposed = [self._propose(tx, person, Role(name, {"role": role}, self.policies)) for role in waiting]
            told = [{"role": role} | one.to_json() for role, one in zip(waiting, proposed, strict=True)]
            return {"name": name, "roles": list(now), "token": token} | ({"approvals": told} if told else {})

        return self.state.write(write)

    def renew_identity(self, name: str, roles: tuple[str, ...]) -> str:
        """At the terminal: make the identity, or give an existing one of the same roles a new token."""

        def change(tx: Transaction) -> tuple[str, Body]:
            known = {one.name for one in projects.identities(tx)}
            return (projects.renew(tx, name), {"renewed": "yes"}) if name in known else self._making(name, roles)(tx)

        return self._act("identity-made", self.host, change, roles=",".join(sorted(roles)))

    def revoke(self, person: Person, name: str) -> dict[str, Any]:
        demand(person, "admin")

        def change(tx: Transaction) -> tuple[dict[str, Any], Body]:
            gone = projects.revoke(tx, name, self.clock())
            return {"name": gone.name, "revoked_at": gone.revoked_at}, {"identity": gone.pseudonym}

        return self._act("identity-revoked", person, change)

    def _making(self, name: str, roles: tuple[str, ...]) -> Callable[[Transaction], tuple[str, Body]]:
        pseudonym = self.keys.person_pseudonym(name)
        return lambda tx: (projects.make_identity(tx, name, roles, pseudonym, self.clock()), {"identity": pseudonym})
