"""`tre doctor`: looks at what a service that hospitals trust stands on, and says what to mend."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from tre.errors import Error
from tre.keys import Keys
from tre.policy import read_policies
from tre.sandbox import landlock_version
from tre.settings import Settings
from tre.state import State

LEAST_FREE = 2 * 2**30


@dataclass(frozen=True, slots=True)
class Finding:
    what: str
    ok: bool
    told: str


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
    }
    return [_finding(what, check, settings) for what, check in checks.items()]


def _finding(what: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(what, True, check(settings))
    except (Error, OSError) as error:
        return Finding(what, False, str(error))


class _Wrong(Error):
    pass


def _home(settings: Settings) -> str:
    if not settings.home.is_dir():
        raise _Wrong(f"{settings.home} is not there yet; tre serve makes it")
    for folder in (settings.home, settings.store, settings.work, settings.log, settings.keys):
        if folder.is_dir() and folder.stat().st_mode & 0o077:
            raise _Wrong(f"others can read {folder}; run: chmod 700 {folder}")
    if settings.home.stat().st_uid != os.getuid():
        raise _Wrong(f"{settings.home} belongs to another user")
    return "readable by its owner alone"


def _keys(settings: Settings) -> str:
    if not any(settings.keys.glob("*")):
        raise _Wrong("no keys yet; tre serve makes them")
    Keys.open(settings.keys)
    return "there, readable by their owner alone"


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
    return f"{', '.join(policies.datasets)}: sound"


def _database(settings: Settings) -> str:
    with State.open(settings.database_url) as state, state.read():
        return "opens, and is at the newest migration"
