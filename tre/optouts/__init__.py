"""The registers of who objected to what: type-1, national and local, as lists of pseudonyms that only the filter reads.

Promises that what was received is what was applied, already known and rejected; that an objection counts from the moment it is
written down; that a list which was never delivered, or too long ago, stops the questions that need it. Only `restrict` makes a
`RestrictedPlan`. Never sees a record, and never tells whether a person has one.
"""

from __future__ import annotations

from tre.optouts.cleared import MUCH_SMALLER, NO_LIST, ClearedList, Doubtful, check_list, clear, cleared, doubt
from tre.optouts.deliveries import Delivery, Line, lines_of, read_csv, read_file, receive
from tre.optouts.feeds import Alarm, notice, raise_alarm, standing_alarms
from tre.optouts.registers import (
    BY_LIST,
    NATIONAL,
    Batch,
    National,
    Standing,
    apply,
    batch,
    check_age,
    delivered,
    pseudonyms,
    sift,
    standing,
)
from tre.optouts.restriction import restrict
from tre.optouts.withdrawing import Withdrawal, withdraw

__all__ = [
    "BY_LIST",
    "MUCH_SMALLER",
    "NATIONAL",
    "NO_LIST",
    "Alarm",
    "Batch",
    "ClearedList",
    "Delivery",
    "Doubtful",
    "Line",
    "National",
    "Standing",
    "Withdrawal",
    "apply",
    "batch",
    "check_age",
    "check_list",
    "clear",
    "cleared",
    "delivered",
    "doubt",
    "lines_of",
    "notice",
    "pseudonyms",
    "raise_alarm",
    "read_csv",
    "read_file",
    "receive",
    "restrict",
    "sift",
    "standing",
    "standing_alarms",
    "withdraw",
]
