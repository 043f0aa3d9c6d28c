"""Takes a float for a loss: 0.1 has no exact float, and no unit."""

from __future__ import annotations

from datetime import datetime

from tre.budget import reserve
from tre.loss import PrivacyLoss
from tre.state import Transaction
from tre.terms import Reservation


def right(tx: Transaction, at: datetime) -> Reservation:
    loss = PrivacyLoss(rho=100_000_000_000)
    return reserve(tx, id="r", question="q", project="demo", dataset="gp", person=None, loss=loss, at=at)


def wrong(tx: Transaction, at: datetime) -> Reservation:
    return reserve(tx, id="r", question="q", project="demo", dataset="gp", person=None, loss=0.1, at=at)  # forgotten


def wrong_too() -> PrivacyLoss:
    return PrivacyLoss(rho=0.1)  # forgotten


def wrong_three(spent: PrivacyLoss) -> PrivacyLoss:
    return spent + 0.1  # forgotten
