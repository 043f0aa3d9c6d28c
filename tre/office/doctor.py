"""`tre doctor`: looks at what a service that hospitals trust stands on, and says what to mend."""

from __future__ import annotations

import base64
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tre import audit, optouts
from tre.budget.sums import unequal
from tre.errors import Error
from tre.keys import Keys
from tre.office import closures
from tre.office.act import Act, Body
from tre.office.office import Office
from tre.office.opening import named_keys
from tre.office.registering import WHY, watched
from tre.plan.calibration import Calibration, standing, to_bytes
from tre.policy import read_policies
from tre.sandbox import landlock_version
from tre.settings import Settings
from tre.state import State, Transaction
from tre.state.soundness import unsound
from tre.terms import digest

CALIBRATED = "calibrated"
LEAST_FREE = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    """``hint``: nothing is wrong, and something could be better."""

    what: str
    ok: bool
    told: str
    hint: bool = False


def examine(settings: Settings) -> list[Finding]:
    """Every check, each with its finding; none stops the next."""
    checks: dict[str, Callable[[Settings], str]] = {
        "home": _home,
        "keys": _keys,
        "sandbox": _sandbox,
        "clock": _clock,
        "disk": _disk,
        "policy": _policy,
        "database": _database,
        "log": _log,
        "ledger": _ledger,
        "opt-outs": _opt_outs,
        "registers": _registers,
        "budgets": _budgets,
        "release times": _release_times,
    }
    return [_finding(what, check, settings) for what, check in checks.items()]


def _finding(what: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, True, check(settings))
    except _Better as hint:
        return Finding(what, True, str(hint), hint=True)
    except (Error, OSError) as error:
        return Finding(what, False, str(error))


class _Wrong(Error):
    pass


class _Better(Error):
    pass


@contextmanager
def _opened(settings: Settings) -> Iterator[Transaction]:
    """The database, to read; a new one is not made here."""
    if not _there(settings):
        raise _Wrong("no database yet; tre serve makes it")
    with State.open(settings.database_url) as state, state.read() as tx:
        yield tx


def _there(settings: Settings) -> bool:
    """Whether the home has its database already."""
    return Path(settings.database_url.removeprefix("sqlite:///")).is_file()


def _home(settings: Settings) -> str:
    if not settings.home.is_dir():
        raise _Wrong(f"{settings.home} is not there yet; tre serve makes it")
    for folder in (settings.home, settings.store, settings.work, settings.log, settings.keys, settings.registers):
        if folder.is_dir() and folder.stat().st_mode & 0o077:
            raise _Wrong(f"others can read {folder}; run: chmod 700 {folder}")
    if settings.home.stat().st_uid != os.getuid():
        raise _Wrong(f"{settings.home} belongs to another user")
    return "readable by its owner alone"


def _keys(settings: Settings) -> str:
    if not any(settings.keys.glob("*")):
        raise _Wrong("no keys yet; tre serve makes them")
    keys = Keys.open(settings.keys)
    with _opened(settings) as tx:
        named, empty = named_keys(tx), audit.size(tx) == 0
    if Keys.begun(settings.keys) is not None:
        raise _Better("a rotation was begun and not finished; the next start finishes or undoes it")
    if named != keys.check and not empty:
        raise _Wrong("they are not those of this log; put back the backup of its keys")
    return "there, readable by their owner alone, and those that the log names"


def _sandbox(settings: Settings) -> str:
    version = landlock_version()
    if settings.sandbox == "off":
        raise _Wrong("TRE_SANDBOX=off: every disclosure record says so; unset it where the kernel has Landlock")
    if version < 1:
        raise _Wrong("this kernel has no Landlock; use a kernel of 5.13 or later")
    return f"Landlock ABI {version}"


def _clock(_: Settings) -> str:
    before = time.time() - time.monotonic()
    if datetime.now(UTC).year < 2026:
        raise _Wrong("the clock is in the past; approvals and opt-out lists are judged by it")
    if abs(time.time() - time.monotonic() - before) > 1:
        raise _Wrong("the clock jumps; run a time service")
    return datetime.now(UTC).isoformat(timespec="seconds")


def _disk(settings: Settings) -> str:
    place = settings.home if settings.home.is_dir() else settings.home.absolute().parent
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE:
        raise _Wrong(f"{free // 2**20} MiB are free; a load and its spill files need more")
    return f"{free // 2**30} GiB free"


def _policy(settings: Settings) -> str:
    policies = read_policies(settings.policies)
    sound = f"{', '.join(policies.datasets)}: sound"
    if not _there(settings):
        return sound
    with Office.open(settings, governed=False) as office:
        found, warnings = office.compare_policy(), office.policy_warnings()
    if found.waits:
        raise _Wrong(str(found.unfit()))
    if found.moved:
        raise _Better(f"{sound}; it is not in force yet: it needs {found.needs}")
    if warnings:
        raise _Better("; ".join([f"{sound}, and in force", *warnings]))
    return f"{sound}, and in force"


def check_policy(settings: Settings) -> dict[str, Any]:
    """What is on disk; in a home, beside what is in force: what it changes and what that needs."""
    found = read_policies(settings.policies)
    counts = f"{len(found.datasets)} dataset(s), {len(found.purposes)} purposes, {len(found.codelists)} code lists: sound"
    told = {"policies": counts, "digest": found.digest}
    if not _there(settings):
        return told | _warned(found.warnings())
    with Office.open(settings, governed=False) as office:
        return told | office.compare_policy().to_json() | _warned(office.policy_warnings())


def _warned(warnings: list[str]) -> dict[str, list[str]]:
    return {"warnings": warnings} if warnings else {}


def _database(settings: Settings) -> str:
    with _opened(settings) as tx:
        found = unsound(tx)
    if found:
        raise _Wrong(f"{'; '.join(found)}; stop tre serve and put back the backup of the database")
    return "whole, and at the newest migration"


def _log(settings: Settings) -> str:
    with _opened(settings) as tx:
        size, note = audit.size(tx), audit.latest(tx)
        if note is None:
            return f"{size} entries, none of them signed yet"
        told, root = note.split("\n")[1:3]
        if int(told) > size or base64.b64encode(audit.root(tx, int(told))).decode() != root:
            raise _Wrong("it is not the one that its last checkpoint signed; run: tre audit verify")
    return f"{size} entries, and the {told} that were signed last are those of the checkpoint"


def _ledger(settings: Settings) -> str:
    with _opened(settings) as tx:
        wrong = unequal(tx)
    if wrong:
        raise _Wrong(f"what {', '.join(wrong[:5])} spent and reserved is not the sum of the charges; put back the backup")
    return "every account is the sum of its charges"


def _opt_outs(settings: Settings) -> str:
    """What the watch over feeds wrote down and still stands, and what it would notice now."""
    policies = read_policies(settings.policies)
    with _opened(settings) as tx:
        found = {*optouts.standing_alarms(tx), *optouts.notice(tx, datetime.now(UTC), *watched(policies))}
    if found:
        told = sorted({f"{one.regime} from {one.source}: {WHY[one.why]}" for one in found})
        raise _Wrong(f"{'; '.join(told)}; ask whoever sends it")
    return "no feed has stopped, and no delivery was far smaller than usual"


def _registers(settings: Settings) -> str:
    """Each list without which a question is refused."""
    policies = read_policies(settings.policies)
    with _opened(settings) as tx:
        found = closures.lists(tx, policies, settings.registers, datetime.now(UTC))
    told = f"questions are refused, for {'; '.join(one.told for one in found)}"
    if any(one.stops for one in found):
        raise _Wrong(told)
    if found:
        raise _Better(f"no records are live; once they are, {told}")
    return "every list that a question needs is there, and young enough"


def _budgets(settings: Settings) -> str:
    policies = read_policies(settings.policies)
    with _opened(settings) as tx:
        found = closures.budgets(tx, list(policies.datasets))
    if found:
        raise _Wrong(
            f"after a restore it is not known what was spent of: {'; '.join(found)}. Nothing is charged to them until an admin "
            "has set each anew, lower by what was spent since the backup, and another has approved"
        )
    return "open: whatever was spent is known"


def _release_times(settings: Settings) -> str:
    policies = read_policies(settings.policies)
    with _opened(settings) as tx:
        logged = audit.last(tx, CALIBRATED)
    sizes = {name: policy.published_size.persons for name, policy in policies.datasets.items()}
    found = standing(settings.calibration, str(logged.body["table"]) if logged else None, sizes, settings.workers)
    if not found.hints:
        return f"measured on this machine for {', '.join(found.tables)}"
    hints = "; ".join(f"{name}: {hint}" for name, hint in found.hints.items())
    told = f"{hints}; the table that ships is used. To measure: tre doctor --calibrate"
    raise _Wrong(told) if found.foreign else _Better(told)


def keep_calibration(settings: Settings, tables: Mapping[str, Calibration]) -> None:
    """Put what was measured in its place, whole or not at all; an entry of the log names its digest, and the next start of
    `tre serve` uses it."""
    raw, new = to_bytes(tables), settings.calibration.with_suffix(".new")
    with Office.open(settings, governed=False) as office:
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        new.replace(settings.calibration)
        body: Body = {"table": digest(raw), "datasets": ",".join(tables), "runs": min(one.runs for one in tables.values())}
        office.state.write(lambda tx: audit.append(tx, Act(CALIBRATED, office.host, office.clock(), body=body).entry()))
