"""The register as it is published: a registry told as JSON, under the Five Safes, and as a table of HDR UK's column names.

Promises that it is a function of the registry and of the day. Counts are bands of a month; shares of a budget are tenths; nothing
is finer than a day. How the questions of a month ended is told once the month is over and all of them have ended.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Any

from tre.loss import PrivacyLoss
from tre.office.registry import Account, Held, Lifted, Registered, Registry
from tre.policy import REGIMES

ENDED = ("answered", "refused", "faults", "cancelled")
ADDRESS = "/v1/register/"


def band(count: int) -> str:
    """A count, to its power of ten."""
    if count <= 0:
        return "0"
    least = 10 ** (len(str(count)) - 1)
    return f"{least:,}–{least * 10 - 1:,}"


def tenth(part: PrivacyLoss, whole: PrivacyLoss) -> str:
    """A share of a budget in tenths, by whichever of its parts is used up most."""
    pairs = [(getattr(part, name), getattr(whole, name)) for name in ("rho", "epsilon", "delta")]
    if not any(spent for spent, _ in pairs):
        return "0 %"
    if any(spent > ceiling for spent, ceiling in pairs):
        return "over 100 %"
    up = max(-(-Fraction(spent, ceiling) * 10 // 1) for spent, ceiling in pairs if ceiling)
    return f"{int(up) * 10 - 10}–{int(up) * 10} %"


def left(spent: str) -> str:
    """What a share that is spent leaves."""
    if spent in ("0 %", "over 100 %"):
        return "100 %" if spent == "0 %" else "0 %"
    least, most = (int(part) for part in spent.removesuffix(" %").split("–"))
    return f"{100 - most}–{100 - least} %"


def listed(registry: Registry, today: date) -> list[dict[str, Any]]:
    """One line a project, in the order they were made."""
    return [_line(registry, project, today) for project in registry.projects.values()]


def told(registry: Registry, project: Registered, today: date) -> dict[str, Any]:
    """All of one project."""
    words = project.words
    return _line(registry, project, today) | {
        "people": {
            "organisation": words.get("organisation") or None,
            "sublicensing": "not allowed: nothing but releases leaves",
        },
        "project": {
            "title": words.get("title"),
            "lay_summary": words.get("lay_summary"),
            "public_benefit": words.get("benefit") or None,
            "purpose_class": words.get("purpose"),
            "prohibited_purposes": list(registry.prohibited),
            "legal_basis": words.get("legal_basis"),
            "approvals": list(project.stands_on),
            "decisions": list(project.decisions),
            "registered_on": project.made_on,
            "ends_on": words.get("ends_on"),
        },
        "records": {
            "dataset": project.dataset,
            "opt_outs": _opt_outs(registry, project, today),
            "exemptions": [_exemption(one, today) for one in project.exemptions.values()],
        },
        "settings": {
            "access": "questions only; no record leaves",
            "policies": list(project.policies),
        },
        "outputs": {"kind": "releases: noisy, suppressed, rounded statistics", "sensitive_outputs": "none"},
        "activity": {
            "months": [_month(project, month, counted, today) for month, counted in sorted(project.months.items())],
            "privacy_loss": _loss(project.account),
        },
    }


def told_dataset(name: str, held: Held) -> dict[str, Any]:
    """One dataset: over all projects."""
    return {
        "dataset": name,
        "title": held.facts.get("title"),
        "controller": held.facts.get("controller"),
        "policy": held.policy,
        "snapshot": held.snapshot,
        "loaded_on": held.loaded_on,
        "answers_under": list(held.opt_outs) if held.opt_outs is not None else None,
        "lifetime_cap": held.facts.get("lifetime_cap"),
        "privacy_loss": _loss(held.account),
    }


def told_lists(registry: Registry) -> dict[str, Any]:
    """When each list of opt-outs was delivered and reconciled last, and how old it may be; never how long it is."""
    oldest = {name: held.facts.get("max_list_age_days") for name, held in registry.datasets.items()}
    return {
        "lists": [
            {"regime": regime, "delivered_on": registry.delivered.get(regime), "reconciled_on": registry.reconciled.get(regime)}
            for regime in REGIMES
        ],
        "oldest_days": oldest,
    }


def applying(registry: Registry, project: Registered, today: date) -> tuple[str, ...]:
    """The opt-outs that apply to a project on a day."""
    found = registry.purposes.get(project.words.get("purpose", ""), {})
    kept = set(found.get("regimes", REGIMES)) if found.get("exemption_required") else set(REGIMES)
    counting = [one for one in project.exemptions.values() if _state(one, today) == "in force"]
    lifted = {regime for one in counting for regime in str(one.fields["regimes"]).split(",")}
    return tuple(regime for regime in REGIMES if regime in kept or regime not in lifted)


def state(project: Registered, today: date) -> str:
    """Active, inactive, closed; or why an active one asks nothing today."""
    known = project.words.get("state", "inactive")
    if known != "active":
        return known
    if project.words.get("ends_on", "9999") < today.isoformat():
        return "ended"
    if any(one["expires_at"][:10] <= today.isoformat() for one in project.stands_on):
        return "an approval lapsed"
    return "active" if project.stands_on else "without approval"


def in_force(project: Registered, today: date) -> list[dict[str, Any]]:
    """A project's exemptions that count on a day."""
    return [told for one in project.exemptions.values() if (told := _exemption(one, today))["state"] == "in force"]


def _line(registry: Registry, project: Registered, today: date) -> dict[str, Any]:
    words = project.words
    return {
        "id": project.id,
        "address": ADDRESS + project.id,
        "title": words.get("title"),
        "organisation": words.get("organisation") or None,
        "purpose_class": words.get("purpose"),
        "dataset": project.dataset,
        "state": state(project, today),
        "opt_outs_applied": list(applying(registry, project, today)),
        "exemptions_in_force": len(in_force(project, today)),
        "ends_on": words.get("ends_on"),
    }


def _opt_outs(registry: Registry, project: Registered, today: date) -> list[dict[str, str]]:
    now = applying(registry, project, today)
    return [{"regime": regime, "applied": "yes" if regime in now else "no: exemption"} for regime in REGIMES]


def _state(one: Lifted, today: date) -> str:
    if one.granted_on is None:
        return "proposed" if one.ended_on is None else "withdrawn"
    if one.ended_on is not None:
        return "revoked"
    return "in force" if today.isoformat() <= str(one.fields["expires_on"]) else "expired"


def _exemption(one: Lifted, today: date) -> dict[str, Any]:
    names = ("exemption", "legal_basis", "approval_reference", "expires_on")
    return {
        **{name: one.fields[name] for name in names},
        "regimes": str(one.fields["regimes"]).split(","),
        "state": _state(one, today),
        "proposed_on": one.proposed_on,
        "granted_on": one.granted_on,
        "ended_on": one.ended_on,
    }


def _month(project: Registered, month: str, counted: Counter[str], today: date) -> dict[str, Any]:
    over = month < today.isoformat()[:7] and sum(counted[name] for name in ENDED) >= counted["asked"]
    ended = {name: band(counted[name]) if over else None for name in ENDED}
    return {"month": month, "asked": band(counted["asked"]), **ended}


def _loss(account: Account) -> dict[str, Any]:
    if account.stated is None:
        return {"stated": None, "spent": None, "left": None}
    spent = tenth(account.spent, account.stated.ceiling())
    stated = {"epsilon": f"{account.stated.epsilon:f}", "delta": f"{account.stated.delta:f}"}
    return {"stated": stated, "spent": spent, "left": left(spent)}


# --------------------------------------------------------------------------------------------------------- HDR UK's columns


def as_rows(registry: Registry, today: date) -> Iterable[Mapping[str, str | None]]:
    """One row a project, under the column names of HDR UK's register of data uses; what has no place here is empty."""
    return [_row(registry, project, today) for project in registry.projects.values()]


def _row(registry: Registry, project: Registered, today: date) -> dict[str, str | None]:
    words, applied = project.words, applying(registry, project, today)
    lifted = "; ".join(f"{one['approval_reference']} until {one['expires_on']}" for one in in_force(project, today))
    approved = [one["on"] for one in project.decisions if one["decision"] == "approved"]
    return {
        "project_id_text": project.id,
        "organisation_name": words.get("organisation"),
        "organisation_id": None,
        "organisation_sector": None,
        "non_gateway_applicants": None,
        "applicant_id": None,
        "funders_and_sponsors": None,
        "accredited_researcher_status": None,
        "sublicence_arrangements": "Not allowed: nothing but releases leaves",
        "project_title": words.get("title"),
        "lay_summary": words.get("lay_summary"),
        "public_benefit_statement": words.get("benefit"),
        "request_category_type": words.get("purpose"),
        "technical_summary": None,
        "other_approval_committees": "; ".join(f"{one['kind']} ({one['reference']})" for one in project.stands_on),
        "project_start_date": project.made_on,
        "project_end_date": words.get("ends_on"),
        "latest_approval_date": max(approved, default=project.made_on),
        "non_gateway_datasets": project.dataset,
        "data_sensitivity_level": "Pseudonymised; only noisy aggregates leave",
        "legal_basis_for_data_article6": words.get("legal_basis"),
        "legal_basis_for_data_article9": words.get("legal_basis"),
        "duty_of_confidentiality": words.get("legal_basis"),
        "national_data_optout": "Yes" if "national" in applied else f"No: exemption {lifted}",
        "request_frequency": "Recurring",
        "dataset_linkage_description": "On the person alone, within the dataset",
        "confidential_data_description": None,
        "access_date": project.first_asked_on,
        "access_type": "TRE: questions only",
        "privacy_enhancements": "Differential privacy, small-number suppression, rounding",
        "gateway_outputs_papers": None,
        "status": state(project, today),
    }
