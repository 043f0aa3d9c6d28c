"""Who is asking: the bearer token of the request, and the roads behind it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tre.gateway import Gateway
from tre.office import Office
from tre.terms import Person

MOST_SEEN = 1_024
_bearer = HTTPBearer(auto_error=False, description="The token of `tre token new`, or of `demo.json` under `make run`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


TheGateway = Annotated[Gateway, Depends(_gateway)]
TheOffice = Annotated[Office, Depends(_office)]


def _person(office: TheOffice, credentials: Credentials) -> Person:
    """Whoever holds the token; NOT_SIGNED_IN says nothing of why not."""
    return office.sign_in(credentials.credentials if credentials else "")


# Who a call is for. It is written into the OpenAPI document (as `security`), and decided by the road behind the call.
SignedIn = Annotated[Person, Security(_person)]
Researcher = Annotated[Person, Security(_person, scopes=["researcher"])]
Admin = Annotated[Person, Security(_person, scopes=["admin"])]
Auditor = Annotated[Person, Security(_person, scopes=["auditor"])]
Controller = Annotated[Person, Security(_person, scopes=["controller"])]
AdminOrAuditor = Annotated[Person, Security(_person, scopes=["admin", "auditor"])]
AdminAuditorOrController = Annotated[Person, Security(_person, scopes=["admin", "auditor", "controller"])]


@dataclass(frozen=True, slots=True)
class Caller:
    """A token and who held it when it was last looked up: nothing is done on that alone. `Gateway.again` compares it with the
    database in the transaction that gives a release; whatever else there is to do calls `person` first."""

    token: str
    seen: Person
    gateway: Gateway
    office: Office
    among: Seen

    def person(self) -> Person:
        """Whoever holds the token now, for a thread that may wait; NOT_SIGNED_IN when nobody does any more."""
        return self.office.sign_in(self.token)

    def forget(self) -> None:
        self.among.forget(self.token)


class Seen:
    """Who held the tokens that were used of late, by their digests. Only the loop's thread comes here."""

    def __init__(self) -> None:
        self._people: OrderedDict[bytes, Person] = OrderedDict()

    async def caller(self, gateway: Gateway, office: Office, token: str) -> Caller:
        name = hashlib.sha256(token.encode()).digest()
        found = self._people.get(name)
        if found is None:
            found = self._people[name] = await run_in_threadpool(office.sign_in, token)
            if len(self._people) > MOST_SEEN:
                self._people.popitem(last=False)
        return Caller(token, found, gateway, office, self)

    def forget(self, token: str) -> None:
        """Looked up anew the next time."""
        self._people.pop(hashlib.sha256(token.encode()).digest(), None)


async def _caller(request: Request) -> Caller:
    """The same without a thread and without a transaction of its own, for who has asked before; and one dependency in all, for
    each takes its time. `CALLED` tells the document of the bearer token."""
    credentials, rooms = await _bearer(request), request.app.state
    seen: Seen = rooms.seen
    return await seen.caller(rooms.gateway, rooms.office, credentials.credentials if credentials else "")


Calling = Annotated[Caller, Depends(_caller)]
CALLED: dict[str, Any] = {"security": [{_bearer.scheme_name: ["researcher"]}]}
