"""`processing.yaml`: what the record of processing of each dataset needs beside the projects (UK GDPR, Article 30).

Nothing is asked under it, so it is not part of a policy's digest; and nothing of it has a default: what is missing is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tre.policy.reading import validated
from tre.policy.yaml import read_yaml

FILE = "processing.yaml"
Words = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]


class Told(BaseModel):
    """Words for people to read: nothing here loosens or tightens a protection."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Controller(Told):
    """Article 30(1)(a)."""

    name: Words
    contact: Words
    joint_controllers: Words
    representative: Words
    data_protection_officer: Words


class Processing(Told):
    """Article 30(1)(a), (c) to (g); the purposes, (b), are those of the projects."""

    controller: Controller
    categories_of_persons: Words
    categories_of_records: Words
    recipients: Words
    transfers: Words
    time_limits: Words
    security: Words


class _Written(Told):
    processing: Mapping[str, Processing]


def read_processing(folder: Path, datasets: Iterable[str]) -> Mapping[str, Processing]:
    """What is written of each dataset. `Unfit` with the file, the line and the field that is missing."""
    written = read_yaml(folder / FILE, FILE)
    found = validated(_Written, written).processing
    for name in datasets:
        if name not in found:
            raise written.unfit(("processing",), f"{name} is missing; add what its record of processing needs")
    return found
