"""The road itself, in its one order. Each step is a room's; this file holds their order and nothing else.

    1 asked is logged · 2 permit · 3 parse · 4 restrict · 5 an earlier release? · 6 wait for a worker
    7 reserve, logged; the release time is fixed · 8 the vault answers; sealed · 9 wait for the release time
    10 unseal, settle, logged · 11 return
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tre import audit, releases, store
from tre.errors import Fault, Reason, Refusal
from tre.gateway import closing, entries, preparing, reserving
from tre.gateway.desk import Desk, Ticket
from tre.gateway.house import House
from tre.gateway.outcomes import Outcome, Pending, Standing, from_bytes
from tre.gateway.preparing import Job
from tre.plan import steps
from tre.state import Transaction
from tre.terms import Person, Request
from tre.vault import Worker

ReleaseTime = Callable[..., float]


def now() -> datetime:
    return datetime.now(UTC)
