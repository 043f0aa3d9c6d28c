"""Made-up records in the source's own form: the shape of England's general practice, from published figures and a seed.

Promises the same bytes for the same seed, and about one row in a hundred wrong on purpose. Never reads the store; nobody in it is
a person: the numbers are of the block set aside for tests.
"""

from __future__ import annotations

from tre.sample.writing import LARGEST, generate

__all__ = ["LARGEST", "generate"]
