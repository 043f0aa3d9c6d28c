"""The registers of who objected to what: type-1, national and local, as lists of pseudonyms that only the filter reads.

Promises that what was received is what was applied, already known and rejected; that an objection counts from the moment it is
written down; that a list which was never delivered, or too long ago, stops the questions that need it. Only `restrict` makes a
`RestrictedPlan`. Never sees a record, and never tells whether a person has one.
"""

from __future__ import annotations

from tre.optouts.deliveries import Delivery, receive, receive_json
from tre.optouts.entering import PIECE, begin, enter, finish, finished, settle, unfinished
from tre.optouts.lines import Line, lines_of, read_csv, read_csv_parts, read_file
from tre.optouts.receipt_book import receipt, rows, signed_text, told_lines, write, write_rows
from tre.optouts.receipts import Leaves, Places, grow
from tre.optouts.registers import Batch, Standing, apply, batch, check_age, delivered, pseudonyms, sift, standing
from tre.optouts.restriction import restrict
from tre.optouts.stepping import Step, untold

__all__ = [
    "PIECE",
    "Batch",
    "Delivery",
    "Leaves",
    "Line",
    "Places",
    "Standing",
    "Step",
    "apply",
    "batch",
    "begin",
    "check_age",
    "delivered",
    "enter",
    "finish",
    "finished",
    "grow",
    "lines_of",
    "pseudonyms",
    "read_csv",
    "read_csv_parts",
    "read_file",
    "receipt",
    "receive",
    "receive_json",
    "restrict",
    "rows",
    "settle",
    "sift",
    "signed_text",
    "standing",
    "told_lines",
    "unfinished",
    "untold",
    "write",
    "write_rows",
]
