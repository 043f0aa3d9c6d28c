"""The commands of `tre`, by what they are about. Each opens the rooms, calls one road and says what came of it.

Promises nothing of its own. Every command is registered when its module is imported.
"""

from __future__ import annotations

from tre.commands import erasing, health, keyring, log, policies, questions, records, register
from tre.commands.terminal import app, stop

__all__ = ["app", "erasing", "health", "keyring", "log", "policies", "questions", "records", "register", "stop"]
