"""The road of those who govern: identities, projects, budgets, opt-outs, loads, and reading the log.

Promises that every act and its entry are one transaction. Never lets one person loosen a protection alone, and reads no record.
"""

from tre.office.act import Proposed
from tre.office.office import Office

__all__ = ["Office", "Proposed"]
