"""The registers of who objected to what: type-1, national and local, as lists of pseudonyms that only the filter reads.

Promises that what was received is what was applied, already known and rejected; that an objection counts from the moment it is
written down; that a list which was never delivered, or too long ago, stops the questions that need it. Only `restrict` makes a
`RestrictedPlan`. Never sees a record, and never tells whether a person has one.
"""

from __future__ import annotations

from tre.optouts.deliveries import Delivery, Line, lines_of, read_csv, read_file, receive
from tre.optouts.erasing import DELETING, Moved, erased_since, forget_deliveries, keep_erased, moved, to_erase
from tre.optouts.registers import Batch, Standing, apply, batch, check_age, delivered, pseudonyms, sift, standing
from tre.optouts.restriction import restrict

__all__ = [
    "DELETING",
    "Batch",
    "Delivery",
    "Line",
    "Moved",
    "Standing",
    "apply",
    "batch",
    "check_age",
    "delivered",
    "erased_since",
    "forget_deliveries",
    "keep_erased",
    "lines_of",
    "moved",
    "pseudonyms",
    "read_csv",
    "read_file",
    "receive",
    "restrict",
    "sift",
    "standing",
    "to_erase",
]
