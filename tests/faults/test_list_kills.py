"""kill -9 while a list of opt-outs enters its register: nothing acknowledged is lost, nobody is taken out again, the batch is
seen to be unfinished, whom it entered counts from the next start on, and the list delivered again does no harm."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.listed import PIECE
from tests.serving import ROOT, copy_home, office_of
from tests.web.test_opt_outs import present
from tre import optouts
from tre.audit.verify import verify_database
from tre.client import check_receipt
from tre.office import Office
from tre.office.opening import only_one
from tre.persons import pseudonym
from tre.settings import Settings

PEOPLE = 330
# Of seven pieces: the step, which time it is reached, and how many pieces are in the register for good.
MOMENTS = [
    ("begin", 1, 0), ("enter", 1, 0), ("enter", 4, 3), ("enter", 7, 6), ("write_rows", 1, 7),
    ("write_rows", 2, 7), ("finish", 1, 7), ("write", 1, 7), ("acknowledged", 0, 7),
]  # fmt: skip


REGIMES = ("local", "national", "type-1")


def register(office: Office) -> tuple[set[bytes], int]:
    with office.state.read() as tx:
        return set(optouts.pseudonyms(tx, ["local"])), optouts.standing(tx, REGIMES, "check-service").version


@pytest.mark.parametrize(("step", "times", "pieces"), MOMENTS, ids=lambda moment: str(moment))
def test_a_list_that_was_cut_short(furnished: Path, tmp_path: Path, step: str, times: int, pieces: int) -> None:
    home, people = copy_home(furnished, tmp_path / "home"), present()[:PEOPLE]
    file = tmp_path / "list.csv"
    file.write_text("nhs_number\n" + "".join(f"{number}\n" for number in [*people, people[0], "12"]))
    with office_of(home) as office:
        before, version = register(office)
        wanted = {pseudonym(office.keys.pseudonym, number) for number in people}
    command = [sys.executable, "-m", "tests.faults.listed", str(home), str(file), step, str(times)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == -signal.SIGKILL and bool(ended.stdout) == (step == "acknowledged"), ended.stderr

    settings = Settings(home=home, policies=ROOT / "policies", _env_file=None)  # type: ignore[call-arg]
    with only_one(settings), Office.open(settings, locked=True) as office:  # as `tre serve` starts
        entered, now = register(office)
        new = entered - before
        # Two pieces may be one transaction, and one of the 331 lines names somebody twice.
        fewest = PEOPLE if pieces == 7 else max(0, (pieces - 1) * PIECE - 1)
        assert before <= entered and new <= wanted and fewest <= len(new) <= pieces * PIECE
        unfinished = office.opt_out_batches(office.host)["unfinished"]
        if step == "acknowledged":
            (batch,) = json.loads(ended.stdout)
            assert (batch["applied"], batch["already_known"], batch["rejected"]) == (PEOPLE, 1, {"invalid-nhs-number": 1})
            assert unfinished == [] and now == version + 1 and new == wanted
            lines = [json.loads(line) for part in office.opt_out_lines(office.host, batch["batch"]) for line in part.splitlines()]
            assert len(lines) == PEOPLE + 2
            assert all(check_receipt(office.opt_out_receipt(line["receipt"])).ok for line in lines[:: PEOPLE // 5])
        else:
            assert [one["regime"] for one in unfinished] == (["local"] if step != "begin" else [])
            assert now == version + bool(unfinished)
        (again,) = office.deliver_opt_outs(office.host, file, "local")
        assert again["received"] == PEOPLE + 2 == again["applied"] + again["already_known"] + 1
        assert again["applied"] == PEOPLE - len(new)
        assert register(office) == (before | wanted, now + 1)
    assert verify_database(home / "database.sqlite").ok
