"""The registers of who objected to what: type-1, national and local, as lists of pseudonyms that only the filter reads.

Promises that what was received is what was applied, already known and rejected; that an objection counts from the moment it is
written down; that a dataset answers under one set of regimes for good; that a list which was never delivered, or too long ago,
stops the questions that need it. Only `restrict` makes a `RestrictedPlan`. Never sees a record, and never tells whether a person
has one.
"""

from __future__ import annotations

from tre.optouts.cleared import MUCH_SMALLER, NO_LIST, ClearedList, Doubtful, check_list, clear, cleared, doubt
from tre.optouts.deliveries import Delivery, receive, receive_json
from tre.optouts.entering import PIECE, begin, enter, finish, finished, settle, unfinished
from tre.optouts.erasing import DELETING, Moved, erased_since, forget_deliveries, keep_erased, moved, to_leave_out
from tre.optouts.feeds import Alarm, http_source, notice, raise_alarm, standing_alarms
from tre.optouts.lines import Line, lines_of, read_csv, read_csv_parts, read_file
from tre.optouts.modes import check_mode, close_mode, fix_mode, mode
from tre.optouts.places import SIZE, Places
from tre.optouts.receipt_book import line_rows, receipt, signed_text, tile_rows, told_lines, write, write_rows
from tre.optouts.receipts import Leaves, grow
from tre.optouts.registers import (
    BY_LIST,
    NATIONAL,
    Batch,
    National,
    Standing,
    apply,
    batch,
    check_age,
    closed,
    delivered,
    pseudonyms,
    standing,
    wanting,
)
from tre.optouts.restriction import restrict
from tre.optouts.stepping import Step, untold
from tre.optouts.withdrawing import Withdrawal, withdraw

__all__ = [
    "BY_LIST",
    "DELETING",
    "MUCH_SMALLER",
    "NATIONAL",
    "NO_LIST",
    "PIECE",
    "SIZE",
    "Alarm",
    "Batch",
    "ClearedList",
    "Delivery",
    "Doubtful",
    "Leaves",
    "Line",
    "Moved",
    "National",
    "Places",
    "Standing",
    "Step",
    "Withdrawal",
    "apply",
    "batch",
    "begin",
    "check_age",
    "check_list",
    "check_mode",
    "clear",
    "cleared",
    "close_mode",
    "closed",
    "delivered",
    "doubt",
    "enter",
    "erased_since",
    "finish",
    "finished",
    "fix_mode",
    "forget_deliveries",
    "grow",
    "http_source",
    "keep_erased",
    "line_rows",
    "lines_of",
    "mode",
    "moved",
    "notice",
    "pseudonyms",
    "raise_alarm",
    "read_csv",
    "read_csv_parts",
    "read_file",
    "receipt",
    "receive",
    "receive_json",
    "restrict",
    "settle",
    "signed_text",
    "standing",
    "standing_alarms",
    "tile_rows",
    "to_leave_out",
    "told_lines",
    "unfinished",
    "untold",
    "wanting",
    "withdraw",
    "write",
    "write_rows",
]
