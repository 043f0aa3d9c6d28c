"""The policy files: check, approve, explain."""

from __future__ import annotations

from rich.table import Table

from tre.commands.terminal import Json, asked, line, opened_office, out, policy_app, show
from tre.settings import read_settings


@policy_app.command("check")
def policy_check(as_json: Json = False) -> None:
    """Read every policy file; say what is wrong, with file, line and mend. In a home: what they change, and what that needs."""
    from tre.office.doctor import check_policy

    told = check_policy(read_settings())
    if not as_json:
        line(told.pop("policies"))
        for warning in told.pop("warnings", ()):
            line(f"warning: {warning}")
        for one in told.pop("differences", ()):
            line(f"{one['effect']}: {one['file']}: {one['field'] or 'the whole file'}: {one['old']} → {one['new']}")
    show(told, as_json)


@policy_app.command("approve")
def policy_approve(digest: str, as_json: Json = False) -> None:
    """Approve, as a controller, the looser policy on disk that has this digest; in force at the next start once two have.

    Who approves is told by TRE_TOKEN, or asked for. Nothing is refunded: what was released and spent under the policy before
    stays, and an answer that was given under it is not given again under the new one."""
    settings = read_settings()
    token = settings.token.get_secret_value() or asked("Token of a controller")
    with opened_office(settings) as office:
        show(office.approve_policy(token, digest), as_json)


@policy_app.command("explain")
def policy_explain(as_json: Json = False) -> None:
    """What the policy in force says, resolved."""
    from tre.office.catalogue import dictionary
    from tre.policy import read_policies

    policies = read_policies(read_settings().policies)
    for policy in policies.datasets.values():
        told = dictionary(policy, policy.digest)
        if as_json:
            show(told, True)
            continue
        table = Table("table", "column", "type", "key", "values", title=f"{policy.title} ({policy.dataset})")
        for found in told["tables"]:
            for column in found["columns"]:
                table.add_row(found["table"], column["name"], column["type"], column["keys"] or "", column["told_values"])
        out.print(table)
        show({name: told[name] for name in ("policy", "lifetime_cap", "disclosure", "accounting", "opt_outs")}, False)
