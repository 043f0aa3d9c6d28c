"""Who is asking: the bearer token of the request, and the roads behind it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tre.gateway import Gateway
from tre.office import Office
from tre.terms import Person

_bearer = HTTPBearer(auto_error=False, description="The token of `tre token new`, or of `demo.json` under `make run`.")


async def _gateway(request: Request) -> Gateway:
    gateway: Gateway = request.app.state.gateway
    return gateway


async def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


TheGateway = Annotated[Gateway, Depends(_gateway)]
TheOffice = Annotated[Office, Depends(_office)]


def _person(office: TheOffice, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Person:
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
