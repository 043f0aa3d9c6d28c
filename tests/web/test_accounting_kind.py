"""The kind of a budget, over HTTP: free while nothing is charged; then from pure to concentrated, by two, and never back."""

from __future__ import annotations

from tests.serving import Served
from tests.web.test_approving import call, decide, found, proposed, told


def test_a_spent_concentrated_budget_does_not_become_pure(served: Served) -> None:
    project = found(served, "kind")
    path = f"/v1/projects/{project}/budget"
    free = proposed(served, "PUT", path, {"epsilon": 1, "delta": 0})
    with served.client() as client:
        client.ask("SELECT sex, COUNT(*) FROM patients GROUP BY sex", project=project, dataset="gp", share=0.01)
    assert told(call(served, "admin", "PUT", path, {"epsilon": 1, "delta": 0})) == (409, "accounting-kind")
    assert told(decide(served, "admin2", free)) == (409, "accounting-kind"), "proposed while it was free"
    with served.http(None) as http:
        assert "accounting-kind" in http.get("/problems/accounting-kind").text


def test_a_spent_pure_budget_becomes_concentrated_by_two(served: Served) -> None:
    """epsilon 1 is rho 0.5 from then on, whatever the new numbers are: the approver is told what remains."""
    project, question = found(served, "pure", delta="0"), "SELECT sex, COUNT(*) AS n FROM patients GROUP BY sex"
    with served.client() as client:
        own = client.ask(question, project=project, dataset="gp", epsilon=1)
        assert own.columns[1]["mechanism"] == "discrete laplace"
        smaller = call(served, "admin", "PUT", f"/v1/projects/{project}/budget", {"epsilon": 1, "delta": 1e-6})
        assert smaller.status_code == 202, "another kind is never a mere tightening"
        assert smaller.json()["simulation"]["remaining"]["rho"] == "0.000000000000"
        approval = proposed(served, "PUT", f"/v1/projects/{project}/budget", {"epsilon": 9, "delta": 1e-6})
        simulated = call(served, "admin2", "GET", f"/v1/approvals/{approval}").json()["simulation"]
        now = decide(served, "admin2", approval).json()["done"]["budget"]
        assert now["accounting"] == simulated["accounting"] == "concentrated"
        assert now["spent"]["rho"] == "0.500000000000" and now["remaining"] == simulated["remaining"]
        again = client.ask(question, project=project, dataset="gp", share=0.1)
        assert again.columns[1]["mechanism"] == "discrete gaussian" and not again.envelope["charge"]["repeat"]
