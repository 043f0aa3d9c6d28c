"""What a researcher imports: an HTTP client that asks, waits and shows. Imports no server room and keeps no token on disk.

And what whoever holds a receipt of an opt-out imports: a check of it that asks nobody."""

from tre.client.http import Client, ProblemError, Release
from tre.client.receipts import ReceiptCheck, check_receipt

__all__ = ["Client", "ProblemError", "ReceiptCheck", "Release", "check_receipt"]
