"""`bound => auto` over HTTP: preview, answer, repeat and refusals, with a server's own workers and noise."""

from __future__ import annotations

import json

import pytest

from tests.serving import Served
from tests.web.test_questions import BODY, statement
from tre.client import ProblemError

GRID = [1, 2, 3, 5, 8, 13, 20]
KINDS = "SELECT kind, COUNT(*, bound => auto) AS n, AVG(value, bound => auto) AS mean FROM measurements GROUP BY kind"


def test_a_bound_is_chosen_told_and_given_again(served: Served) -> None:
    with served.http() as http:
        asked = {"sql": KINDS, "share": 0.02} | BODY
        before = http.post("/v1/preview", json=asked)
        answer = http.post("/v1/queries", json=asked)
        assert answer.status_code == 200, answer.text
        again = http.post("/v1/queries", json=asked | {"sql": KINDS.lower()})
        after = http.post("/v1/preview", json=asked)
    assert before.status_code == 200 and before.content == after.content
    told, release = before.json(), answer.json()
    assert [one["max_rows"] for one in told["bound"]["bounds"]] == GRID and told["bound"]["of"] == ["n", "mean"]
    assert release["charge"]["rho"] == told["charge"]["rho"]
    bound = release["disclosure"]["bound"]
    assert bound["max_rows"] in GRID and bound["among"] == GRID and bound["of"] == ["n", "mean"]
    assert bound["suppressed"] == (bound["persons_clamped"] is None)
    columns = {one["name"]: one for one in release["columns"]}
    for name in ("n", "mean"):
        assert (columns[name]["bound"], columns[name]["max_rows"]) == ("auto", bound["max_rows"])
    (of_bound,) = [one for one in told["bound"]["bounds"] if one["max_rows"] == bound["max_rows"]]
    assert columns["n"]["scale"] == of_bound["statistics"][0]["scale"]
    assert any(row["n"] is not None for row in release["rows"])
    assert again.json()["charge"]["repeat"] is True and statement(again.json()) == statement(release)
    assert any(rule["rule"] == "choice of the bound" for rule in release["disclosure"]["rules"])
    assert json.loads(answer.text)["plan"] == told["plan"]


@pytest.mark.parametrize(
    ("sql", "more", "mend"),
    [
        (KINDS, {"margin": {"n": 500}}, "bound => 3"),
        ("SELECT COUNT(*, bound => auto) AS n FROM patients", {}, "out"),
        (
            "SELECT sex, kind, COUNT(*, bound => auto) AS n FROM patients p JOIN measurements m USING (person)"
            " GROUP BY ROLLUP (sex, kind)",
            {},
            "by itself",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused_with_a_mend(served: Served, sql: str, more: dict[str, object], mend: str) -> None:
    with served.client() as client, pytest.raises(ProblemError) as raised:
        client.ask(sql, **BODY, **more)
    assert mend in str(raised.value.problem.get("suggestion"))
