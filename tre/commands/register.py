"""The register: the records of processing."""

from __future__ import annotations

from tre.commands.terminal import Json, line, opened_office, register_app, show
from tre.settings import read_settings


@register_app.callback()
def register() -> None:
    """The register of who uses the records, and what for."""


@register_app.command("ropa")
def register_ropa(as_json: Json = False) -> None:
    """The record of processing of each dataset (UK GDPR, Article 30), from policies/processing.yaml and the register."""
    settings = read_settings()
    with opened_office(settings, governed=True) as office:
        found = office.processing(settings.policies)
    if as_json:
        show(found, as_json)
        return
    for record in found["records"]:
        controller = record.pop("controller")
        purposes = [
            f"{one['title']} ({one['id']}, {one['purpose_class']}) until {one['ends_on']}" for one in record.pop("purposes")
        ]
        told = {"dataset": record.pop("dataset"), **controller, "purposes": "; ".join(purposes) or "none yet", **record}
        for name, value in told.items():
            line(f"{name.replace('_', ' ')}: {str(value).strip()}")
        line("")
