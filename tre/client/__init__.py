"""What a researcher imports: an HTTP client that asks, waits and shows. Imports no server room and keeps no token on disk."""

from tre.client.http import Client, ProblemError, Release

__all__ = ["Client", "ProblemError", "Release"]
