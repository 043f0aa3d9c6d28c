"""Which release times are in force here: those that were measured, where the log vouches for them, else those that ship."""

from __future__ import annotations

from tre import audit
from tre.plan.calibration import Calibrated, standing
from tre.policy import Policies
from tre.settings import Settings
from tre.state import State


def release_times(settings: Settings, state: State, policies: Policies) -> Calibrated:
    """Read once at start: no question, and no record, moves a step."""
    with state.read() as tx:
        logged = audit.last(tx, "calibrated")
    named = str(logged.body["table"]) if logged else None
    sizes = {name: policy.published_size.persons for name, policy in policies.datasets.items()}
    return Calibrated(standing(settings.calibration, named, sizes, settings.workers).tables)
