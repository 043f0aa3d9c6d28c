"""The keys of this installation: made once, read by their owner alone, never shown.

Promises that keys appear whole or not at all, that none is ever replaced by a new one unasked, and that a key others could
read stops the start. Never prints a key: only what is made with it leaves, and a backup that a passphrase seals.
"""

from tre.keys.backup import open_backup, read_passphrase, seal_backup
from tre.keys.keys import NAMES, Keys

__all__ = ["NAMES", "Keys", "open_backup", "read_passphrase", "seal_backup"]
