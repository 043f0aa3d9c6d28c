"""Reads `policies/`: validates every field and gives frozen values, one `DatasetPolicy` a dataset.

Promises that what could not be read whole, or would open a protection, stops the program with the file, the line and the mend.
Never guesses a default that opens anything, never reads data.
"""

from __future__ import annotations

from tre.policy.differences import Difference, Effect, differences, whole
from tre.policy.model import (
    REGIMES,
    Accounting,
    ColumnPolicy,
    DatasetPolicy,
    Disclosure,
    LifetimeCap,
    OptOuts,
    PersonSource,
    PublishedSize,
    PurposePolicy,
    TablePolicy,
)
from tre.policy.processing import Processing, read_processing
from tre.policy.reading import Policies, read_policies

__all__ = [
    "REGIMES",
    "Accounting",
    "ColumnPolicy",
    "DatasetPolicy",
    "Difference",
    "Disclosure",
    "Effect",
    "LifetimeCap",
    "OptOuts",
    "PersonSource",
    "Policies",
    "Processing",
    "PublishedSize",
    "PurposePolicy",
    "TablePolicy",
    "differences",
    "read_policies",
    "read_processing",
    "whole",
]
