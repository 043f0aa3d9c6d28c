"""Engines: compiled text becomes an exact table. Promises that no engine's own words leave: a failure is one of two codes."""

from __future__ import annotations


class EngineFailed(Exception):
    """``code``: engine or memory. Nothing of what the engine said."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
