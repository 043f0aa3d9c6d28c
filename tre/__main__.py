"""The command line: progress on stderr, data on stdout, refusals in one sentence with exit status 1 or 2.

Promises that an exception's text never reaches a terminal. Holds no command itself: `tre.commands` has them.
"""

from __future__ import annotations

from tre.commands import app, stop
from tre.errors import Error, Refusal, Unfit


def main() -> None:
    """Run the command line; what cannot be done is told in a sentence."""
    try:
        app()
    except Refusal as refusal:
        stop(f"{refusal} {refusal.suggestion}".strip(), 1)
    except Unfit as unfit:
        stop(str(unfit), 2)
    except Error:
        stop("Something failed on our side; the log may tell an auditor more.", 1)
    except OSError as error:
        stop(f"{error.filename or 'a file'}: {error.strerror or 'it cannot be used'}", 2)
    except Exception as error:  # noqa: BLE001 - the last net: an exception's text may quote what must not leave
        stop(f"Something failed on our side ({type(error).__name__}); nothing more is said, for it could be of the records.", 1)


if __name__ == "__main__":
    main()
