"""What a stop leaves behind: every question without an outcome is found, with as much as is needed to finish it."""

from __future__ import annotations

from pathlib import Path

from tests.releases.conftest import AT, SECOND, Road
from tre import releases
from tre.state import State


def test_each_kind_of_unfinished_question_is_found(road: Road, state: State, tmp_path: Path) -> None:
    road.ask("asked")
    road.start(road.ask("reserved"))
    taken = road.sealed("sealed", statement=b"a-planted-canary")
    road.published("published")
    for outcome in ("refused", "fault", "cancelled"):
        road.ask(outcome)
        road.close(outcome, outcome)
    state.close()
    with State.open(f"sqlite:///{tmp_path / 'database.sqlite'}") as after:
        with after.read() as tx:
            left = releases.unfinished(tx)
        assert [(one.question.id, one.question.reservation, one.sealed is not None) for one in left] == [
            ("asked", None, False),
            ("reserved", "r-reserved", False),
            ("sealed", "r-sealed", True),
        ]
        kept = left[2].sealed
        assert kept is not None
        assert (kept.reservation, kept.snapshot, kept.version, kept.regimes) == ("r-sealed", "s1", 7, ("local", "national"))
        assert kept.release_at == "2026-03-01T12:00:04.000000Z"
        assert "planted" not in repr(left)
        again = Road(after)
        assert again.publish(taken, AT + 9 * SECOND).statement == b"a-planted-canary"
        for id in ("asked", "reserved"):
            again.close(id, "fault")
        with after.read() as tx:
            assert releases.unfinished(tx) == []
