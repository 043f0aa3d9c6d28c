"""A trusted research environment with query-only access: questions in, noisy and suppressed statistics out."""

__version__ = "0.1.0"
