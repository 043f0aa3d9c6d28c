"""The append-only log of everything asked, decided and changed, as a Merkle tree that an outsider can check.

Promises that an entry is never changed or taken out, that every size has one root, and that a signed size is never taken back. Stores
bytes and six labels its caller gives; computes nothing from what it stores, and never holds a question's text or a person's id.
"""

from tre.audit.log import Entry, Logged, Position, append, consistency, entry, inclusion, page, root, size

__all__ = ["Entry", "Logged", "Position", "append", "consistency", "entry", "inclusion", "page", "root", "size"]
